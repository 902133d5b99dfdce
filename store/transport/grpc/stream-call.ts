import type { StreamEvents } from "../../../base/http2/stream.ts";
import type { GrpcStatus } from "../../errors.ts";
import type { Incoming, Outgoing, StreamHandler } from "../../rpc/handler.ts";
import { StatusError } from "../../rpc/status.ts";
import { beginBlock, failureBlock, okBlock, onlyFailureBlock, writeMessage } from "./answers.ts";
import type { CallParts } from "./unary-call.ts";

/** Messages in both directions. A message reaches the service when it has dealt with the one before and the client has read
 *  enough of the answers; until then the client's window stays shut, so that a client that never reads cannot make us keep
 *  more than a window of its requests and what they were answered. */
export class StreamCall implements StreamEvents {
  readonly #parts: CallParts;
  readonly #incoming: Incoming | undefined;
  readonly #messages: Uint8Array[] = [];
  /** Bytes that came in and for which the client's window was not opened again. */
  #heldBytes = 0;
  #isBusy = false;
  #halfClose: "none" | "waiting" | "told" = "none";
  #hasBegun = false;
  #over = false;

  constructor(handler: StreamHandler, parts: CallParts) {
    this.#parts = parts;
    const out: Outgoing = {
      send: (message) => this.#send(message),
      end: (error) => this.#end(error),
    };
    let incoming: Incoming | undefined;
    this.#guard(() => {
      incoming = handler(out, parts.context);
    });
    this.#incoming = incoming;
    if (this.#over) incoming?.closed();
  }

  data(bytes: Buffer): void {
    this.#guard(() => {
      for (const message of this.#parts.reader.push(bytes)) this.#messages.push(message);
      this.#heldBytes += bytes.length;
      this.#work();
    });
  }

  end(): void {
    this.#guard(() => {
      if (this.#parts.reader.isInMessage)
        throw new StatusError("INTERNAL", "grpc: the request ended within a message");
      this.#halfClose = "waiting";
      this.#work();
    });
  }

  drained(): void {
    this.#guard(() => {
      this.#incoming?.drained();
      this.#work();
    });
  }

  gone(): void {
    if (this.#close("CANCELLED")) this.#parts.context.gone();
  }

  /** The deadline passed, long enough ago that the client's clock has ended the call as well. */
  expired(): void {
    this.#end(new StatusError("DEADLINE_EXCEEDED", "context deadline exceeded"));
    this.#parts.context.gone();
  }

  #work(): void {
    const { received, stream } = this.#parts;
    while (!this.#over && !this.#isBusy && stream.hasRoom) {
      const message = this.#messages.shift();
      if (message === undefined) break;
      received.count += message.length;
      const working = this.#incoming?.message(message);
      if (working === undefined) continue;
      this.#isBusy = true;
      working.then(
        () => {
          this.#isBusy = false;
          this.#guard(() => this.#work());
        },
        (error: unknown) => this.#end(asError(error)),
      );
    }
    if (this.#over || this.#messages.length > 0) return;
    stream.consumed(this.#heldBytes);
    this.#heldBytes = 0;
    if (this.#halfClose !== "waiting" || this.#isBusy) return;
    this.#halfClose = "told";
    this.#incoming?.halfClose();
  }

  #send(message: Uint8Array): boolean {
    if (this.#over) return true;
    const { stream, sent } = this.#parts;
    sent.count += message.length;
    if (!this.#hasBegun) stream.respond(beginBlock);
    this.#hasBegun = true;
    return writeMessage(stream, message);
  }

  #end(error: Error | undefined): void {
    if (this.#over) return;
    const { stream } = this.#parts;
    if (error === undefined) {
      this.#close("OK");
      if (!this.#hasBegun) stream.respond(beginBlock);
      stream.finish(okBlock);
      return;
    }
    const failure = this.#parts.failure(error);
    this.#close(failure.status);
    if (this.#hasBegun) stream.finish(failureBlock(failure));
    else stream.respondOnly(onlyFailureBlock(failure));
  }

  #guard(step: () => void): void {
    if (this.#over) return;
    try {
      step();
    } catch (error) {
      this.#end(asError(error));
    }
  }

  #close(status: GrpcStatus): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#messages.length = 0;
    this.#parts.finish(status);
    this.#incoming?.closed();
    return true;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
