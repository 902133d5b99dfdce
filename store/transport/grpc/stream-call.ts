import type { Expiring } from "../../../base/deadlines.ts";
import {
  beginBlock,
  failureBlock,
  okBlock,
  onlyFailureBlock,
  writeMessage,
} from "../../../base/grpc/answers.ts";
import { MessageReader } from "../../../base/grpc/message-reader.ts";
import type { GrpcStatus } from "../../../base/grpc/status.ts";
import { StatusError } from "../../../base/grpc/status.ts";
import type { AnswerLane } from "../../../base/http2/answer-lane.ts";
import type { Http2Stream, StreamEvents } from "../../../base/http2/stream.ts";
import type { Call, Incoming, Outgoing, StreamHandler } from "../../rpc/handler.ts";
import { certificateName } from "../certificate-name.ts";
import type { CallKind } from "./call-kind.ts";

const nothing = new Uint8Array(0);

/** Messages in both directions. A message reaches the service when it has dealt with the one before and the client has read
 *  enough of the answers; until then the client's window stays shut, so that a client that never reads cannot make us keep
 *  more than a window of its requests and what they were answered. */
export class StreamCall implements StreamEvents, Call, Expiring {
  readonly #stream: Http2Stream;
  readonly #kind: CallKind;
  readonly #reader: MessageReader;
  readonly #startMs: number;
  readonly #deadline: number | undefined;
  readonly deadlineMs: number | undefined;
  readonly #incoming: Incoming | undefined;
  /** Bytes that came in and for which the client's window was not opened again. */
  #heldBytes = 0;
  #isBusy = false;
  #halfClose: "none" | "waiting" | "told" = "none";
  #hasBegun = false;
  #over = false;
  /** Held from when a part of the answer is begun until it is sent. */
  #lane: AnswerLane | undefined;
  #isCountedIn = false;
  #leaveLine: ((reason: Error) => void) | undefined;
  #controller: AbortController | undefined;

  constructor(
    stream: Http2Stream,
    handler: StreamHandler,
    { kind, timeoutMs }: { readonly kind: CallKind; readonly timeoutMs: number | undefined },
  ) {
    this.#stream = stream;
    this.#kind = kind;
    this.#reader = new MessageReader(kind.parts);
    this.#startMs = stream.heardMs;
    this.#deadline = kind.start(this, this.#startMs, timeoutMs);
    this.deadlineMs = timeoutMs === undefined ? undefined : this.#startMs + timeoutMs;
    const out: Outgoing = {
      send: (message) => this.#send(message, nothing),
      sendParts: (head, rest) => this.#send(head, rest),
      end: (error) => this.#end(error),
    };
    let incoming: Incoming | undefined;
    this.#guard(() => {
      incoming = handler(out, this);
    });
    this.#incoming = incoming;
    if (this.#over) incoming?.closed();
  }

  data(bytes: Buffer): void {
    this.#guard(() => {
      this.#reader.push(bytes);
      this.#heldBytes += bytes.length;
      this.#work();
    });
  }

  end(): void {
    this.#guard(() => {
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
    if (this.#close("CANCELLED")) this.#controller?.abort();
  }

  /** The deadline passed, long enough ago that the client's clock has ended the call as well. */
  expired(): void {
    this.#end(new StatusError("DEADLINE_EXCEEDED", "context deadline exceeded"));
    this.#controller?.abort();
  }

  accepted(): void {
    this.#kind.parts.requests.count++;
  }

  get requireLeader(): boolean {
    return this.#kind.parts.requireLeader;
  }

  get token(): string | undefined {
    return this.#kind.parts.token;
  }

  get certificateName(): string | undefined {
    return this.#kind.parts.isGateway ? undefined : certificateName(this.#stream.socket);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#over) this.#controller.abort();
    return this.#controller.signal;
  }

  /** For the next message alone; it and all that follow count among what the client has not taken yet. */
  roomForAnswer(): Promise<void> | undefined {
    if (this.#over) return Promise.reject(nobodyWaits());
    const lane = this.#stream.unread.streamed;
    if (!this.#isCountedIn) this.#stream.countIn(lane);
    this.#isCountedIn = true;
    const place = lane.enter();
    if (place === undefined) {
      this.#lane = lane;
      return undefined;
    }
    this.#leaveLine = place.giveUp;
    return place.entered.then(() => {
      this.#lane = lane;
      this.#leaveLine = undefined;
      if (this.#over) this.#leaveLane();
    });
  }

  #leaveLane(): void {
    this.#lane?.leave();
    this.#lane = undefined;
  }

  #work(): void {
    while (!this.#over && !this.#isBusy && this.#stream.hasRoom) {
      const message = this.#next();
      if (message === undefined) {
        this.#waitForMore();
        break;
      }
      const { received, metrics } = this.#kind.parts;
      received.count += message.length;
      metrics.received();
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
    this.#reader.keep();
  }

  #next(): Uint8Array | undefined {
    try {
      return this.#reader.next();
    } catch (error) {
      this.#kind.parts.receiveFailed();
      throw error;
    }
  }

  /** All whole messages are dealt with. */
  #waitForMore(): void {
    this.#stream.consumed(this.#heldBytes);
    this.#heldBytes = 0;
    if (this.#halfClose !== "waiting") return;
    if (this.#reader.isInMessage)
      throw new StatusError("INTERNAL", "grpc: the request ended within a message");
    this.#halfClose = "told";
    this.#incoming?.halfClose();
  }

  #send(head: Uint8Array, rest: Uint8Array): boolean {
    if (this.#over) return true;
    const stream = this.#stream;
    const { sent, metrics } = this.#kind.parts;
    sent.count += head.length + rest.length;
    metrics.sent();
    if (!this.#hasBegun) stream.respond(beginBlock);
    this.#hasBegun = true;
    const hasRoom = writeMessage(stream, head, rest);
    this.#leaveLane();
    return hasRoom;
  }

  #end(error: Error | undefined): void {
    if (this.#over) return;
    const stream = this.#stream;
    if (error === undefined) {
      this.#close("OK");
      if (!this.#hasBegun) stream.respond(beginBlock);
      stream.finish(okBlock);
      return;
    }
    const failure = this.#kind.parts.failure(error);
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
    this.#leaveLine?.(nobodyWaits());
    this.#leaveLane();
    this.#reader.clear();
    this.#kind.finish(this, status, this.#stream.nowMs - this.#startMs, this.#deadline);
    this.#incoming?.closed();
    return true;
  }
}

const nobodyWaits = () => new StatusError("CANCELLED", "context canceled");

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
