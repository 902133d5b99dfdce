import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";

/** Requests of tests, by either protocol. */

export interface TestAsk {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | number | readonly string[]>>;
  readonly body?: Uint8Array | string | undefined;
  /** The body is not all: its end does not come. */
  readonly staysOpen?: boolean;
  /** On a connection of its own, where that makes a difference. */
  readonly isAlone?: boolean;
}

export interface TestReply {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
  /** Gives the answer up. */
  close(): void;
}

export interface TestTransport {
  /** Resolves when the head of the answer is there. */
  ask(ask: TestAsk): Promise<TestReply>;
  close(): void;
}

export interface TestPlace {
  readonly port: number;
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

export type Protocol = "HTTP/1.1" | "HTTP/2";

export function testTransport(protocol: Protocol, place: TestPlace): TestTransport {
  return protocol === "HTTP/2" ? http2Transport(place) : http1Transport(place);
}

function http1Transport({ port, ...tls }: TestPlace): TestTransport {
  const host = "127.0.0.1";
  const agent = new Agent({ keepAlive: true, ...tls });
  return {
    ask: ({ method, path, headers, body, isAlone, staysOpen }) =>
      new Promise((resolve, reject) => {
        const connection = { ...tls, host, port, agent: isAlone ? (false as const) : agent };
        const request = httpsRequest(
          { ...connection, method, path, headers: sendable(headers) },
          (response) =>
            resolve({
              code: response.statusCode ?? 0,
              headers: response.headers,
              body: response,
              close: () => void request.destroy(),
            }),
        );
        request.on("error", reject);
        if (staysOpen) request.write(body);
        else request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** More than a server takes. */
const headBytesMax = 4 * 1024 * 1024;
const connectionWindowBytes = 64 * 1024 * 1024;

/** Requests share one connection, made again when the server lets it go, but for those that are alone. */
function http2Transport({ port, ...tls }: TestPlace): TestTransport {
  let session: ClientHttp2Session | undefined;
  let failure: Error | undefined;
  const connected = () => {
    const made = connect(`https://127.0.0.1:${port}`, { ...tls, maxSendHeaderBlockLength: headBytesMax });
    failure = undefined;
    made.on("error", (error) => {
      failure = error;
    });
    made.on("goaway", () => made.close());
    // A stream that is not read takes nothing of the others' window.
    made.once("connect", () => made.setLocalWindowSize(connectionWindowBytes));
    return made;
  };
  const shared = () => {
    if (session === undefined || session.closed || session.destroyed) session = connected();
    return session;
  };
  return {
    ask: ({ method, path, headers, body, isAlone, staysOpen }) =>
      new Promise((resolve, reject) => {
        const connection = isAlone ? connected() : shared();
        const stream = connection.request(
          { ":method": method, ":path": path, ...lowerCased(headers) },
          // Some methods would have no body otherwise.
          { endStream: body === undefined && !staysOpen },
        );
        // What ended the connection says more than that its streams ended.
        stream.on("error", (error) => reject(error.cause ?? failure ?? error));
        // A stream that ends without an answer and without a fault.
        stream.on("close", () => {
          if (isAlone) connection.close();
          reject(new Error(`the stream ended: code ${stream.rstCode}`));
        });
        stream.on("response", ({ ":status": code = 0, ...given }) =>
          resolve({ code, headers: given, body: stream, close: () => stream.close(8) }),
        );
        if (staysOpen) stream.write(body);
        else if (body !== undefined) sendInPieces(stream, Buffer.from(body));
      }),
    close: () => session?.destroy(),
  };
}

const pieceBytes = 16 * 1024;

/** Until the answer is there: Node's client loses one that comes, with the end of its stream, while much is still to be sent. */
function sendInPieces(stream: ClientHttp2Stream, body: Buffer): void {
  let at = 0;
  let isAnswered = false;
  stream.once("response", () => {
    isAnswered = true;
  });
  const next = () => {
    if (isAnswered || stream.closed) return;
    const piece = body.subarray(at, at + pieceBytes);
    at += piece.length;
    if (at >= body.length) stream.end(piece);
    else stream.write(piece, () => setImmediate(next));
  };
  next();
}

function sendable(given: TestAsk["headers"]): Record<string, string | string[]> {
  const entries = Object.entries(given);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "object" ? [...value] : String(value)]),
  );
}

/** In lower case, without what HTTP/2 does not have; of a name that was given twice the last value holds, as with HTTP/1.1's
 *  client. */
function lowerCased(given: TestAsk["headers"]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(sendable(given))) {
    const lower = name.toLowerCase();
    if (lower !== "connection") headers[lower === "host" ? ":authority" : lower] = value;
  }
  return headers;
}
