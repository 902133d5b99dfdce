import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Front } from "./front.ts";
import { hostOf } from "./host-name.ts";
import { type RequestTarget, requestTarget } from "./request-target.ts";

/** A request of a client, as far as it can be read one way only. */
export interface ClientRequest {
  readonly method: string;
  /** In lower case, without a port. */
  readonly host: string;
  /** As the client wrote it. */
  readonly authority: string;
  readonly target: RequestTarget;
  /** Names in lower case and values by turns, in the order in which they came. */
  readonly headers: readonly string[];
  readonly hasBody: boolean;
  /** As the client says; undefined: as long as it gets. */
  readonly bodyBytes: number | undefined;
  readonly clientAddress: string;
  /** The host that the client named in its handshake; "": none. */
  readonly serverName: string;
  readonly front: Front;
}

/** Why a request is not served. */
export interface Refusal {
  readonly status: number;
  readonly why: string;
}

const refused = (status: number, why: string): Refusal => ({ status, why });

export const isRefusal = (read: ClientRequest | Refusal): read is Refusal => "status" in read;

const headersMost = 500;

/** Node's parser lets no request by whose end is told in two ways; what it leaves open is refused here. */
export function readRequest(request: IncomingMessage, front: Front): ClientRequest | Refusal {
  const { method = "", rawHeaders } = request;
  if (method === "CONNECT" || method === "TRACE") return refused(405, `${method} is not served`);
  if (rawHeaders.length > 2 * headersMost) return refused(431, "there are too many headers");
  const headers: string[] = [];
  let [transfer, transfers, length, lengths, host, hosts] = ["", 0, "", 0, "", 0];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name, value] = [(rawHeaders[at] as string).toLowerCase(), rawHeaders[at + 1] as string];
    headers.push(name, value);
    if (name === "transfer-encoding") {
      transfer = value;
      transfers += 1;
    } else if (name === "content-length") {
      length = value;
      lengths += 1;
    } else if (name === "host") {
      host = value;
      hosts += 1;
    }
  }
  if (transfers > 0) {
    if (transfers > 1 || transfer.toLowerCase() !== "chunked")
      return refused(501, "only chunked is known of transfer encodings");
    if (lengths > 0 || request.httpVersionMinor === 0)
      return refused(400, "the body's end is told in two ways");
  }
  if (lengths > 1 || (lengths === 1 && !/^\d{1,15}$/.test(length)))
    return refused(400, "the body's length is none");
  if (hosts > 1) return refused(400, "there are two hosts");
  const read = readTarget(request.url ?? "", hosts === 0 ? undefined : host);
  if (read === undefined) return refused(400, "the address of the request is none");
  const { authority, target } = read;
  const name = hostOf(authority);
  if (name === undefined) return refused(400, "the host is none");
  const bodyBytes = lengths === 0 ? undefined : Number(length);
  return {
    method,
    host: name,
    authority,
    target,
    headers,
    hasBody: request.httpVersionMajor === 2 ? !request.complete : transfers > 0 || (bodyBytes ?? 0) > 0,
    bodyBytes,
    clientAddress: plainAddress(request.socket.remoteAddress ?? ""),
    serverName: serverNameOf(request.socket),
    front,
  };
}

/** A request may name its host itself (`GET http://host/path`), and then means that one. */
function readTarget(
  url: string,
  host: string | undefined,
): { readonly authority: string; readonly target: RequestTarget } | undefined {
  const whole = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  const authority = whole === null ? host : whole[1];
  const rest = whole === null ? url : whole[2] || "/";
  const target = requestTarget(rest.startsWith("?") ? `/${rest}` : rest);
  return authority === undefined || target === undefined ? undefined : { authority, target };
}

/** All values that the request has for a name, in lower case. */
export function headerValues({ headers }: Pick<ClientRequest, "headers">, name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2)
    if (headers[at] === name) values.push(headers[at + 1] as string);
  return values;
}

const serverNameOf = (socket: Socket): string =>
  "servername" in socket && typeof socket.servername === "string" ? socket.servername.toLowerCase() : "";

const plainAddress = (address: string) =>
  address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
