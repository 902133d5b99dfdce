import type { Duplex } from "node:stream";
import type { Header } from "../http2/header.ts";
import { headerBlock } from "../http2/header-block.ts";
import { Http2Server } from "../http2/http2-server.ts";
import { headerValue } from "../http2/request-headers.ts";
import type { Http2Stream, ServeStream, StreamEvents } from "../http2/stream.ts";
import type { Clock } from "../os/clock.ts";
import type { Log } from "../os/log.ts";
import { WireError } from "../wire.ts";
import {
  answerWhole,
  beginBlock,
  type FailedAnswer,
  okBlock,
  onlyFailureBlock,
  writeMessage,
} from "./answers.ts";
import { type Encoding, encodings, MessageReader } from "./message-reader.ts";
import { StatusError } from "./status.ts";

/** Answers one request. Rejects with StatusError where it refuses. */
export type UnaryHandler = (request: Uint8Array) => Promise<Uint8Array>;

export interface UnaryServerParts {
  /** By path: `/package.Service/Method`. */
  readonly handlers: ReadonlyMap<string, UnaryHandler>;
  readonly requestBytesMost: number;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  readonly log: Log;
}

/** Serves few calls of few clients, of one request and one answer each, on connections that are handed in. Deadlines are the
 *  clients' to keep. */
export class UnaryServer {
  readonly #parts: UnaryServerParts;
  readonly #http2: Http2Server;

  constructor(parts: UnaryServerParts) {
    this.#parts = parts;
    this.#http2 = new Http2Server({
      limits: {
        streamsMost: 32,
        streamWindowBytes: 64 << 10,
        connectionWindowBytes: 256 << 10,
        headerListBytesMost: 16 << 10,
        headWithinMs: 20_000,
      },
      route: (headers) => this.#route(headers),
      apart: "grpc-timeout",
      clock: parts.clock,
      log: parts.log,
    });
  }

  accept(socket: Duplex): void {
    this.#http2.accept(socket);
  }

  /** What is asked already may take a moment to be answered. */
  stop(): Promise<void> {
    return this.#http2.stop();
  }

  #route(headers: readonly Header[]): ServeStream {
    if (!/^application\/grpc($|[+;])/.test(headerValue(headers, "content-type") ?? "")) return notGrpc;
    const path = headerValue(headers, ":path") ?? "";
    const handler = this.#parts.handlers.get(path);
    if (handler === undefined) return refuses({ status: "UNIMPLEMENTED", message: `unknown method ${path}` });
    const encoding = encodings.find((one) => one === (headerValue(headers, "grpc-encoding") ?? "identity"));
    if (encoding === undefined)
      return refuses({ status: "UNIMPLEMENTED", message: "the request's encoding is not known" });
    return (stream) => new Exchange(stream, handler, { ...this.#parts, encoding, path });
  }
}

const nobody: StreamEvents = {
  data: () => undefined,
  end: () => undefined,
  drained: () => undefined,
  gone: () => undefined,
};

const refuses =
  (failure: FailedAnswer): ServeStream =>
  (stream) => {
    stream.respondOnly(onlyFailureBlock(failure));
    return nobody;
  };

const notGrpcBlock = headerBlock([{ name: ":status", value: "415" }]);
const notGrpc: ServeStream = (stream) => {
  stream.respondOnly(notGrpcBlock);
  return nobody;
};

interface ExchangeParts extends UnaryServerParts {
  readonly encoding: Encoding;
  readonly path: string;
}

/** One call. What its handler works on counts as a stream of its connection, even when the client gave it up. */
class Exchange implements StreamEvents {
  readonly #stream: Http2Stream;
  readonly #handler: UnaryHandler;
  readonly #parts: ExchangeParts;
  readonly #reader: MessageReader;
  #request: Uint8Array | undefined;
  #isOver = false;

  constructor(stream: Http2Stream, handler: UnaryHandler, parts: ExchangeParts) {
    this.#stream = stream;
    this.#handler = handler;
    this.#parts = parts;
    this.#reader = new MessageReader({ bytesMost: parts.requestBytesMost, encoding: parts.encoding });
  }

  data(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#reader.push(bytes);
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
        if (this.#request !== undefined)
          throw new StatusError("INTERNAL", "grpc: more than one request message for a unary call");
        this.#request = Buffer.from(message);
      }
      this.#reader.keep();
      this.#stream.consumed(bytes.length);
    } catch (error) {
      this.#refuse(error);
    }
  }

  end(): void {
    if (this.#isOver) return;
    if (this.#request === undefined || this.#reader.isInMessage)
      this.#refuse(new StatusError("INTERNAL", "grpc: the request ended before its message was whole"));
    else void this.#serve(this.#request);
  }

  drained(): void {}

  gone(): void {
    this.#isOver = true;
    this.#reader.clear();
  }

  async #serve(request: Uint8Array): Promise<void> {
    this.#stream.takeSlot();
    try {
      this.#answer(await this.#handler(request));
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#stream.freeSlot();
    }
  }

  #answer(message: Uint8Array): void {
    const stream = this.#stream;
    if (this.#isOver) return;
    this.#isOver = true;
    if (answerWhole(stream, message) || !stream.countIn(stream.unread.other)) return;
    stream.respond(beginBlock);
    writeMessage(stream, message);
    stream.finish(okBlock);
  }

  #refuse(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.respondOnly(onlyFailureBlock(this.#failureOf(error)));
  }

  #failureOf(error: unknown): FailedAnswer {
    if (error instanceof StatusError) return { status: error.status, message: error.message };
    if (error instanceof WireError)
      return { status: "INTERNAL", message: `grpc: error unmarshalling request: ${error.message}` };
    this.#parts.log.warn("a call failed", { call: this.#parts.path, error });
    return { status: "INTERNAL", message: "the call failed" };
  }
}
