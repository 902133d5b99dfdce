import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** Worked out once for each connection. */
const names = new WeakMap<TLSSocket, string | undefined>();

/** The common name in the certificate that the other side has shown and that was found good; undefined without one. It may be
 *  empty. */
export function certificateName(socket: Duplex): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  if (!names.has(socket)) names.set(socket, nameOf(socket));
  return names.get(socket);
}

function nameOf(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  if (subject === undefined) return undefined;
  // Of several names Go takes the last.
  const name: string | readonly string[] | undefined = subject.CN;
  return typeof name === "string" ? name : (name?.at(-1) ?? "");
}
