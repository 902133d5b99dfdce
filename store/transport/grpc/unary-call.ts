import type { Http2Stream, StreamEvents } from "../../../base/http2/stream.ts";
import type { GrpcStatus } from "../../errors.ts";
import type { UnaryHandler } from "../../rpc/handler.ts";
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

/** One request, one answer. The handler runs when the whole request is there. */
export class UnaryCall implements StreamEvents {
  readonly #parts: CallParts;
  readonly #handler: UnaryHandler;
  #request: Uint8Array | undefined;
  #over = false;

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
      this.fail(error);
    }
  }

  end(): void {
    if (this.#over) return;
    const { reader, context, received, stream } = this.#parts;
    const request = this.#request;
    if (request === undefined || reader.isInMessage) {
      this.fail(new StatusError("INTERNAL", "grpc: the request ended before its message was whole"));
      return;
    }
    received.count += request.length;
    try {
      const answer = this.#handler(request, context);
      if (!(answer instanceof Promise)) {
        this.#succeed(answer);
        context.settled();
        return;
      }
      const freeSlot = stream.holdSlot();
      answer.then(
        (bytes) => {
          this.#succeed(bytes);
          context.settled();
          freeSlot();
        },
        (error: unknown) => {
          this.fail(error);
          context.settled();
          freeSlot();
        },
      );
    } catch (error) {
      this.fail(error);
      context.settled();
    }
  }

  drained(): void {}

  gone(): void {
    if (this.#close("CANCELLED")) this.#parts.context.gone();
  }

  /** The deadline passed, long enough ago that the client's clock has ended the call as well. */
  expired(): void {
    this.fail(new StatusError("DEADLINE_EXCEEDED", "context deadline exceeded"));
    this.#parts.context.gone();
  }

  fail(error: unknown): void {
    if (this.#over) return;
    const failure = this.#parts.failure(error);
    this.#close(failure.status);
    this.#parts.stream.respondOnly(onlyFailureBlock(failure));
  }

  #succeed(answer: Uint8Array): void {
    if (!this.#close("OK")) return;
    const { stream, sent, context } = this.#parts;
    if (!stream.countIn(context.lane)) return;
    sent.count += answer.length;
    stream.respond(beginBlock);
    writeMessage(stream, answer);
    stream.finish(okBlock);
  }

  #close(status: GrpcStatus): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#parts.finish(status);
    return true;
  }
}
