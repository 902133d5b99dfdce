import { request as http1Request, type IncomingMessage, type Server } from "node:http";
import { BytePieces } from "../byte-pieces.ts";
import { duplexPair } from "./duplex-pair.ts";
import { ofConnections } from "./fields.ts";
import { errorCodes } from "./frames.ts";
import type { Header } from "./header.ts";
import { headerBlock } from "./header-block.ts";
import { headerValue } from "./request-headers.ts";
import type { Http2Stream, Route, StreamEvents } from "./stream.ts";

/** Headers that mean one HTTP/1.1 connection, or that the relay writes itself. */
const notCarried = new Set([...ofConnections, "content-length", "host"]);
const lengthIsKept = new Set(["content-length"]);

/** Serves HTTP/2's requests by a server of HTTP/1.1, within the process: so both are answered by the same code. */
export function relayToHttp1(server: Server): Route {
  return (headers) => (stream) => new Relay(server, stream, headers);
}

class Relay implements StreamEvents {
  readonly #stream: Http2Stream;
  readonly #request: ReturnType<typeof http1Request>;
  #response: IncomingMessage | undefined;
  /** Of the body, while what came before is being written. */
  readonly #arrived = new BytePieces();
  #isWriting = false;
  #hasEnded = false;
  #over = false;

  constructor(server: Server, stream: Http2Stream, headers: readonly Header[]) {
    this.#stream = stream;
    const [near, far] = duplexPair();
    server.emit("connection", far);
    this.#request = http1Request({
      createConnection: () => near,
      method: headerValue(headers, ":method") ?? "GET",
      path: headerValue(headers, ":path") ?? "/",
      // Of some methods Node would write a body without its end, which its reader would take for requests.
      headers: { ...carried(headers), ...(!stream.remoteEnded && { "transfer-encoding": "chunked" }) },
      setHost: false,
    });
    this.#request.on("response", (response) => this.#answer(response));
    this.#request.on("error", () => {
      if (!this.#over) stream.reset(errorCodes.INTERNAL_ERROR);
    });
  }

  data(bytes: Buffer): void {
    this.#arrived.add(bytes);
    this.#write();
    this.#arrived.keep();
  }

  end(): void {
    this.#hasEnded = true;
    this.#write();
  }

  drained(): void {
    this.#response?.resume();
  }

  gone(): void {
    this.#over = true;
    this.#arrived.clear();
    this.#request.destroy();
  }

  #write(): void {
    if (this.#isWriting || this.#over) return;
    const piece = this.#arrived.next();
    if (piece !== undefined) {
      this.#isWriting = true;
      this.#request.write(piece, () => {
        this.#isWriting = false;
        this.#stream.consumed(piece.length);
        this.#write();
      });
    } else if (this.#hasEnded) this.#request.end();
  }

  #answer(response: IncomingMessage): void {
    this.#response = response;
    const stream = this.#stream;
    const status = { name: ":status", value: String(response.statusCode ?? 500) };
    stream.respond(headerBlock([status, ...answered(response.rawHeaders)]));
    response.on("data", (bytes: Buffer) => {
      if (!stream.write(bytes)) response.pause();
    });
    response.on("end", () => {
      this.#over = true;
      stream.finish();
    });
    // A broken answer must not look like one that goes on.
    response.on("close", () => {
      if (!this.#over) stream.reset(errorCodes.INTERNAL_ERROR);
    });
  }
}

function carried(headers: readonly Header[]): Record<string, string | string[]> {
  const host = headerValue(headers, ":authority") ?? headerValue(headers, "host") ?? "";
  // A header may have a name that objects inherit.
  const byName: Record<string, string | string[]> = Object.create(null);
  byName.host = host;
  for (const { name, value } of headers) {
    if (name.startsWith(":") || notCarried.has(name)) continue;
    const before = byName[name];
    byName[name] = before === undefined ? value : [before, value].flat();
  }
  return byName;
}

function answered(raw: readonly string[]): Header[] {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    if (!notCarried.has(name) || lengthIsKept.has(name)) headers.push({ name, value: raw[at + 1] as string });
  }
  return headers;
}
