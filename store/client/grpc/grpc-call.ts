import type { ClientChannel, Waiting } from "../../../base/http2/client-channel.ts";
import type { ClientConnection } from "../../../base/http2/client-connection.ts";
import type { AnswerEvents, ClientStream, StreamLoss } from "../../../base/http2/client-stream.ts";
import { errorCodes } from "../../../base/http2/frames.ts";
import type { Header } from "../../../base/http2/header.ts";
import { headerValue } from "../../../base/http2/request-headers.ts";
import { StatusError } from "../../rpc/status.ts";
import { MessageReader } from "../../transport/grpc/message-reader.ts";
import { prefixed } from "../../transport/grpc/prefixed.ts";
import { CallError } from "../call-error.ts";
import { failureOf, headProblem, statusOfReset } from "./answer-status.ts";

export interface CallSink {
  message(bytes: Uint8Array): void;
  /** Called once, last. */
  done(error: CallError | undefined): void;
}

/** A range may answer anything; the server bounds it. */
const messageBytesMost = Number.POSITIVE_INFINITY;

/** One call: it waits for a connection, sends, and reads what comes. */
export class GrpcCall implements AnswerEvents, Waiting<CallError> {
  readonly #channel: ClientChannel<CallError>;
  readonly #head: Buffer;
  readonly #sink: CallSink;
  readonly #reader = new MessageReader({ bytesMost: messageBytesMost, encoding: "identity" });
  #stream: ClientStream | undefined;
  /** What is to be sent once there is a connection. */
  readonly #early: Uint8Array[] = [];
  #isFinished = false;
  #hasHead = false;
  /** The last headers that came, unless messages came after them. */
  #trailers: readonly Header[] = [];
  #over = false;

  /** @param head The block of the request's headers. */
  constructor(channel: ClientChannel<CallError>, head: Buffer, sink: CallSink) {
    this.#channel = channel;
    this.#head = head;
    this.#sink = sink;
  }

  start(): void {
    if (!this.#over) this.#channel.enter(this);
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
    this.#channel.leave(this);
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

  failed(error: CallError): void {
    this.#done(error);
  }

  headers(headers: readonly Header[]): void {
    if (!this.#hasHead && headerValue(headers, ":status")?.startsWith("1")) return; // there is more to come
    if (!this.#hasHead) {
      const problem = headProblem(headers);
      if (problem !== undefined) {
        this.#fail(problem);
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
      this.#fail(new CallError("INTERNAL", "the server sends a message before its headers"));
      return;
    }
    try {
      this.#reader.push(bytes);
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next())
        if (!this.#over) this.#sink.message(message);
      this.#reader.keep();
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#fail(new CallError(error.status, error.message));
    }
  }

  end(): void {
    const failure = failureOf(this.#trailers);
    if (failure === undefined && this.#reader.isInMessage)
      this.#done(new CallError("INTERNAL", "the server ended the answer within a message"));
    else this.#done(failure);
  }

  gone({ maybeServed, code, reason }: StreamLoss): void {
    this.#done(new CallError(statusOfReset(code), reason, { sent: maybeServed }));
  }

  #fail(error: CallError): void {
    this.#stream?.cancel(errorCodes.CANCEL);
    this.#done(error);
  }

  #done(error: CallError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.done(error);
  }
}
