import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Server } from "node:https";
import type { Duplex } from "node:stream";
import type { HttpResponse } from "../../base/http2/http-response.ts";
import { notFoundText } from "./api-error.ts";
import { plainText } from "./handlers/respond.ts";

/** What HTTP does not allow, or what it allows and nothing here serves: refused with what is wrong, before anybody asks who sends
 *  it, as Go's server does. */

interface Refusal {
  readonly code: number;
  readonly text: string;
}

/** Why the request's head is none that can be answered; of a target with a host only the path is left. */
export function headRefusal(request: IncomingMessage): Refusal | undefined {
  const { headers, rawHeaders, httpVersion } = request;
  const encoding = headers["transfer-encoding"];
  // Whoever passes requests on might see the end of the body elsewhere.
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked")
    return { code: 501, text: "Unsupported transfer encoding" };
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === "host") hosts++;
  if (hosts > 1) return badRequest("too many Host headers");
  if (hosts === 0 && httpVersion === "1.1") return badRequest("missing required Host header");
  const target = pathOf(request.url ?? "/");
  if (target === undefined) return { code: 404, text: notFoundText };
  if (brokenEscape.test(target.split("?", 1)[0] ?? "")) return { code: 400, text: "400 Bad Request" };
  request.url = target;
  return undefined;
}

const brokenEscape = /%(?![0-9a-f]{2})/i;

/** Undefined: names no path, such as `*`. */
function pathOf(target: string): string | undefined {
  if (target.startsWith("/")) return target;
  const absolute = /^https?:\/\/[^/?#]*(.*)$/i.exec(target);
  if (absolute === null) return undefined;
  const rest = absolute[1] ?? "";
  return rest.startsWith("/") ? rest : `/${rest}`;
}

const badRequest = (why: string): Refusal => ({ code: 400, text: `400 Bad Request: ${why}` });

export function refuseHead(response: HttpResponse, { code, text }: Refusal): void {
  response.shouldKeepAlive = false;
  response
    .writeHead(code, { "Content-Type": plainText, "Content-Length": Buffer.byteLength(text) })
    .end(text);
}

/** Answers what is no request, or ends within one. Connections whose answer has begun end without a word. */
export function refuseMalformed(server: Server): void {
  const answers = new WeakMap<Duplex, HttpResponse>();
  server.prependListener("request", (request, response) => void answers.set(request.socket, response));
  server.on("clientError", (error: Error & { code?: string; reason?: string }, socket) => {
    if (lingering.has(socket)) return; // the rest of what was refused
    const answer = answers.get(socket);
    const isOfHttp = /^(HPE_|ERR_HTTP_)/.test(error.code ?? ""); // else its handshake failed, or it broke
    const isWithinAnswer = answer?.headersSent === true && !answer.writableFinished;
    if (!isOfHttp || !socket.writable || isWithinAnswer) return void socket.destroy(error);
    endWith(socket, parserRefusal(error));
  });
  server.on("connect", (_, socket: Duplex) => endWith(socket, { code: 404, text: notFoundText }));
}

function parserRefusal({
  code,
  reason,
  message,
}: {
  code?: string;
  reason?: string;
  message: string;
}): Refusal {
  const status = parserCodes[code ?? ""] ?? 400;
  return { code: status, text: `${status} ${STATUS_CODES[status]}: ${reason ?? message}` };
}

const parserCodes: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_INVALID_VERSION: 505,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** How long the rest of what is refused is taken, and dropped: a connection that is closed at once is reset for what is still
 *  coming, and its client may lose the answer (RFC 9112, section 9.6; Go's server waits as long). */
const lingerMs = 500;
const lingering = new WeakSet<Duplex>();

/** Answers on the bare connection, and ends it. */
export function endWith(socket: Duplex, { code, text }: Refusal): void {
  lingering.add(socket);
  socket.end(
    `HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\nContent-Type: ${plainText}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once("close", () => clearTimeout(timer));
  socket.resume();
}
