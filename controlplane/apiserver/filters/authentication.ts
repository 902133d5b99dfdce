import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { unauthorized } from "../api-error.ts";

/** Who asks. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  /** Absent for certificates, which carry none. */
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
/** The server's own hand. */
export const serverUser: User = { name: "system:apiserver", groups: ["system:masters"] };

const known = new WeakMap<TLSSocket, User>();

/** The user a client certificate names: common name, with organizations as groups. No certificate: anonymous.
 *  Fails with 401 for a certificate that our authority did not sign or that has run out. */
export function authenticate(request: IncomingMessage): User {
  const { socket } = request;
  if (!(socket instanceof TLSSocket)) return anonymous;
  const before = known.get(socket);
  if (before !== undefined) return before;
  const user = fromCertificate(socket);
  known.set(socket, user);
  return user;
}

function fromCertificate(socket: TLSSocket): User {
  const { subject } = socket.getPeerCertificate();
  // A connection without a certificate has an empty peer certificate.
  if (subject === undefined) return anonymous;
  if (!socket.authorized) throw unauthorized();
  // Repeated parts of a name come as lists, whatever the declared types say.
  const names = texts(subject.CN);
  const organizations = texts(subject.O);
  return { name: names[0] ?? "", groups: [...organizations, "system:authenticated"] };
}

function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
