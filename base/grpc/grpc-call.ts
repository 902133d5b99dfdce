import type { ClientChannel, Waiting } from "../http2/client-channel.ts";
import type { ClientConnection } from "../http2/client-connection.ts";
import type { AnswerEvents, ClientStream, StreamLoss } from "../http2/client-stream.ts";
import { errorCodes } from "../http2/frames.ts";
import type { Header } from "../http2/header.ts";
import { headerValue } from "../http2/request-headers.ts";
import { type CallFailure, failureOf, headProblem, statusOfReset } from "./answer-status.ts";
import { MessageReader } from "./message-reader.ts";
import { prefixed } from "./prefixed.ts";
import { type GrpcStatus, StatusError } from "./status.ts";

export interface CallSink<E extends Error> {
  message(bytes: Uint8Array): void;
  /** Called once, last. */
  done(error: E | undefined): void;
}

/** The way to a server, and what is made of its failures. */
export interface CallWay<E extends Error> {
  readonly channel: ClientChannel<E>;
  readonly errorOf: (failure: CallFailure) => E;
  /** The longest message that the server may answer. */
  readonly messageBytesMost: number;
}

/** One call: it waits for a connection, sends, and reads what comes. */
export class GrpcCall<E extends Error> implements AnswerEvents, Waiting<E> {
  readonly #way: CallWay<E>;
  readonly #head: Buffer;
  readonly #sink: CallSink<E>;
  readonly #reader: MessageReader;
  #stream: ClientStream | undefined;
  /** What is to be sent once there is a connection. */
  readonly #early: Uint8Array[] = [];
  #isFinished = false;
  #hasHead = false;
  /** The last headers that came, unless messages came after them. */
  #trailers: readonly Header[] = [];
  #over = false;

  /** @param head The block of the request's headers. */
  constructor(way: CallWay<E>, head: Buffer, sink: CallSink<E>) {
    this.#way = way;
    this.#reader = new MessageReader({ bytesMost: way.messageBytesMost, encoding: "identity" });
    this.#head = head;
    this.#sink = sink;
  }

  start(): void {
    if (!this.#over) this.#way.channel.enter(this);
  }

  /** False: the request certainly never left this machine. */
  get isSent(): boolean {
    return (this.#stream?.id ?? 0) > 0;
  }

  send(message: Uint8Array): void {
    for (const piece of prefixed(message))
      if (this.#stream === undefined) this.#early.push(piece);
      else this.#stream.write(piece);
  }

  /** Nothing is sent after this. */
  finish(): void {
    this.#isFinished = true;
    this.#stream?.finish();
  }

  /** Ends the call; `done` is not called any more. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#way.channel.leave(this);
    this.#stream?.cancel(errorCodes.CANCEL);
  }

  connected(connection: ClientConnection): void {
    if (this.#over) return;
    const stream = connection.request(this.#head, this);
    this.#stream = stream;
    const last = this.#isFinished ? this.#early.pop() : undefined;
    for (const piece of this.#early) stream.write(piece);
    this.#early.length = 0;
    if (this.#isFinished) stream.finish(last);
  }

  failed(error: E): void {
    this.#done(error);
  }

  headers(headers: readonly Header[]): void {
    if (!this.#hasHead && headerValue(headers, ":status")?.startsWith("1")) return; // there is more to come
    if (!this.#hasHead) {
      const problem = headProblem(headers);
      if (problem !== undefined) {
        this.#fail(problem.status, problem.message);
        return;
      }
      this.#hasHead = true;
    }
    this.#trailers = headers;
  }

  data(bytes: Buffer): void {
    if (this.#over) return;
    this.#stream?.consumed(bytes.length);
    this.#trailers = [];
    if (!this.#hasHead) {
      this.#fail("INTERNAL", "the server sends a message before its headers");
      return;
    }
    try {
      this.#reader.push(bytes);
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next())
        if (!this.#over) this.#sink.message(message);
      this.#reader.keep();
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#fail(error.status, error.message);
    }
  }

  end(): void {
    const failure = failureOf(this.#trailers);
    if (failure === undefined && this.#reader.isInMessage)
      this.#end("INTERNAL", "the server ended the answer within a message");
    else this.#done(failure && this.#way.errorOf(failure));
  }

  gone({ maybeServed, code, reason }: StreamLoss): void {
    this.#end(statusOfReset(code), reason, maybeServed);
  }

  #fail(status: GrpcStatus, message: string): void {
    this.#stream?.cancel(errorCodes.CANCEL);
    this.#end(status, message);
  }

  #end(status: GrpcStatus, message: string, sent = true): void {
    this.#done(this.#way.errorOf({ status, message, sent }));
  }

  #done(error: E | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.done(error);
  }
}
