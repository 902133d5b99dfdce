import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

/** Somebody who asks, as a review names them. */
export interface Caller {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const everybody = "system:authenticated";

/** Kubernetes' own part of a subject. */
const uidPart = "1.3.6.1.4.1.57683.2";

/** Whom the connection's certificate names: common name, with organizations as groups. Undefined where there is none that one of
 *  the node's authorities signed and that is in its time. */
export function certifiedCaller(request: IncomingMessage, nowMs: number): Caller | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject, valid_to } = socket.getPeerCertificate();
  if (subject === undefined || !(nowMs <= Date.parse(valid_to))) return undefined;
  const parts = subject as unknown as Readonly<Record<string, string | readonly string[] | undefined>>;
  const texts = (part: string): readonly string[] => [parts[part] ?? []].flat();
  const [name = ""] = texts("CN");
  const [uid, ...moreUids] = texts(uidPart);
  if (name === "" || uid === "" || moreUids.length > 0) return undefined;
  return { name, ...(uid !== undefined && { uid }), groups: [...new Set([...texts("O"), everybody])] };
}

/** No token that anybody issues is longer; what is, is not looked at. */
const tokenBytesMost = 64 * 1024;

/** `Authorization: Bearer TOKEN`. */
export function bearerTokenOf({ headers }: IncomingMessage): string | undefined {
  const [scheme = "", token = ""] = (headers.authorization ?? "").trim().split(" ");
  const isToken = scheme.toLowerCase() === "bearer" && token !== "" && token.length <= tokenBytesMost;
  return isToken ? token : undefined;
}
