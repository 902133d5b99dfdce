import type { Http2Stream, StreamEvents } from "../../../base/http2/stream.ts";
import type { GrpcStatus } from "../../errors.ts";
import type { UnaryAnswer, UnaryHandler } from "../../rpc/handler.ts";
import { StatusError, type WireStatus } from "../../rpc/status.ts";
import { beginBlock, okBlock, onlyFailureBlock, writeMessage } from "./answers.ts";
import type { CallContext } from "./call-context.ts";
import type { Finish } from "./call-metrics.ts";
import type { MessageReader } from "./message-reader.ts";

export interface CallParts {
  readonly stream: Http2Stream;
  readonly reader: MessageReader;
  readonly context: CallContext;
  readonly finish: Finish;
  /** What an error looks like on the wire. */
  readonly failure: (error: unknown) => WireStatus;
  readonly received: { count: number };
  readonly sent: { count: number };
}

/** One request, one answer. The handler runs when the whole request is there, and answers into the call itself.
 *  Invariant: what the handler is working on counts as a stream of its connection, even when the client gave it up. */
export class UnaryCall implements StreamEvents, UnaryAnswer {
  readonly #parts: CallParts;
  readonly #handler: UnaryHandler;
  #request: Uint8Array | undefined;
  #over = false;
  #work: "none" | "begun" | "underWay" | "done" = "none";

  constructor(handler: UnaryHandler, parts: CallParts) {
    this.#handler = handler;
    this.#parts = parts;
  }

  data(bytes: Buffer): void {
    if (this.#over) return;
    const { reader, stream } = this.#parts;
    try {
      for (const message of reader.push(bytes)) {
        if (this.#request !== undefined)
          throw new StatusError("INTERNAL", "grpc: more than one request message for a unary call");
        this.#request = message;
      }
      stream.consumed(bytes.length);
    } catch (error) {
      this.#refuse(error);
    }
  }

  end(): void {
    if (this.#over) return;
    const { reader, context, received, stream } = this.#parts;
    const request = this.#request;
    if (request === undefined || reader.isInMessage) {
      this.#refuse(new StatusError("INTERNAL", "grpc: the request ended before its message was whole"));
      return;
    }
    received.count += request.length;
    this.#work = "begun";
    try {
      this.#handler(request, context, this);
    } catch (error) {
      this.fail(error);
    }
    if (this.#work !== "begun") return;
    this.#work = "underWay";
    stream.takeSlot();
  }

  succeed(answer: Uint8Array): void {
    if (this.#close("OK")) this.#answer(answer);
    this.#settled();
  }

  fail(error: unknown): void {
    this.#refuse(error);
    this.#settled();
  }

  drained(): void {}

  gone(): void {
    if (this.#close("CANCELLED")) this.#parts.context.gone();
  }

  /** The deadline passed, long enough ago that the client's clock has ended the call as well. */
  expired(): void {
    this.#refuse(new StatusError("DEADLINE_EXCEEDED", "context deadline exceeded"));
    this.#parts.context.gone();
  }

  #refuse(error: unknown): void {
    if (this.#over) return;
    const failure = this.#parts.failure(error);
    this.#close(failure.status);
    this.#parts.stream.respondOnly(onlyFailureBlock(failure));
  }

  #answer(answer: Uint8Array): void {
    const { stream, sent, context } = this.#parts;
    if (!stream.countIn(context.lane)) return;
    sent.count += answer.length;
    stream.respond(beginBlock);
    writeMessage(stream, answer);
    stream.finish(okBlock);
  }

  #settled(): void {
    const work = this.#work;
    if (work === "done") throw new Error("a call was answered twice");
    this.#work = "done";
    this.#parts.context.settled();
    if (work === "underWay") this.#parts.stream.freeSlot();
  }

  #close(status: GrpcStatus): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#parts.finish(status);
    return true;
  }
}
