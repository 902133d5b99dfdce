import type { Socket } from "node:net";
import type { UpstreamHead } from "./upstream.ts";

/** A request as HTTP/1.1 has it. Whatever the parts came through, they are looked at here again: what is written is one request. */

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const target = /^[\x21-\x7e\x80-\xff]+$/;
const badText = /[^\t\x20-\x7e\x80-\xff]/;

/** @throws Where there would be something else on the wire than this one head. */
export function requestHead({ method, path, headers, hasBody, bodyBytes }: UpstreamHead): string {
  if (!token.test(method) || !target.test(path)) throw new Error("the request's first line is none");
  let text = `${method} ${path} HTTP/1.1\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name, value] = [headers[at] as string, headers[at + 1] as string];
    if (badText.test(value) || !token.test(name)) throw new Error("a header is none");
    text += `${name}: ${value}\r\n`;
  }
  if (!hasBody) {
    const isEmpty = method === "POST" || method === "PUT" || method === "PATCH";
    return `${text}connection: keep-alive\r\n${isEmpty ? "content-length: 0\r\n" : ""}\r\n`;
  }
  const framing = bodyBytes === undefined ? "transfer-encoding: chunked" : `content-length: ${bodyBytes}`;
  return `${text}connection: keep-alive\r\n${framing}\r\n\r\n`;
}

/** The body behind such a head: never longer than it says, and whole only if it is as long. */
export class RequestBody {
  readonly #isChunked: boolean;
  #left: number;
  #isWhole: boolean;

  constructor({ hasBody, bodyBytes }: UpstreamHead) {
    this.#isChunked = hasBody && bodyBytes === undefined;
    this.#left = hasBody ? (bodyBytes ?? 0) : 0;
    this.#isWhole = !hasBody;
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** @throws Where it would be longer than was said. */
  write(socket: Socket, bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#isChunked) {
      socket.cork();
      socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
      socket.write(bytes);
      socket.write("\r\n", "latin1");
      socket.uncork();
      return;
    }
    if (this.#isWhole || bytes.length > this.#left) throw new Error("the body is longer than it says");
    this.#left -= bytes.length;
    socket.write(bytes);
  }

  /** @throws Where it is shorter than was said. */
  end(socket: Socket): void {
    if (this.#isWhole) return;
    if (this.#left > 0) throw new Error("the body is shorter than it says");
    this.#isWhole = true;
    if (this.#isChunked) socket.write("0\r\n\r\n", "latin1");
  }
}
