import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { kept } from "../../../base/byte-pieces.ts";
import type { Expiring } from "../../../base/deadlines.ts";
import {
  answerWhole,
  beginBlock,
  okBlock,
  onlyFailureBlock,
  writeMessage,
} from "../../../base/grpc/answers.ts";
import { MessageReader, wholeMessage } from "../../../base/grpc/message-reader.ts";
import type { GrpcStatus } from "../../../base/grpc/status.ts";
import { StatusError } from "../../../base/grpc/status.ts";
import type { AnswerLane } from "../../../base/http2/answer-lane.ts";
import type { Http2Stream, StreamEvents } from "../../../base/http2/stream.ts";
import type { Call, UnaryAnswer, UnaryHandler } from "../../rpc/handler.ts";
import { certificateName } from "../certificate-name.ts";
import type { CallKind } from "./call-kind.ts";

/** One request, one answer. The handler runs when the whole request is there, asks the call itself what there is to know of it,
 *  and answers into it: there are thousands of calls at a time, and each is one object beside its stream.
 *  Invariant: what the handler is working on counts as a stream of its connection, even when the client gave it up. */
export class UnaryCall implements StreamEvents, UnaryAnswer, Call, Expiring {
  readonly #stream: Http2Stream;
  readonly #handler: UnaryHandler;
  readonly #kind: CallKind;
  readonly #startMs: number;
  readonly #deadline: number | undefined;
  readonly deadlineMs: number | undefined;
  #isOver = false;
  #work: "none" | "begun" | "underWay" | "done" = "none";
  /** Of a request that comes in pieces. */
  #reader: MessageReader | undefined;
  #request: Uint8Array | undefined;
  #lane: AnswerLane | undefined;
  #leaveLine: ((reason: Error) => void) | undefined;
  #controller: AbortController | undefined;

  constructor(
    stream: Http2Stream,
    handler: UnaryHandler,
    { kind, timeoutMs }: { readonly kind: CallKind; readonly timeoutMs: number | undefined },
  ) {
    this.#stream = stream;
    this.#handler = handler;
    this.#kind = kind;
    this.#startMs = stream.heardMs;
    this.deadlineMs = timeoutMs === undefined ? undefined : this.#startMs + timeoutMs;
    this.#deadline = kind.start(this, this.#startMs, timeoutMs);
  }

  whole(bytes: Buffer, start: number, end: number): void {
    const message = wholeMessage(bytes, start, end, this.#kind.parts.bytesMost);
    if (message !== undefined) {
      this.#serve(message);
      return;
    }
    this.data(bytes.subarray(start, end));
    this.end();
  }

  data(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#reader ??= new MessageReader(this.#kind.parts);
    try {
      this.#reader.push(bytes);
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
        if (this.#request !== undefined)
          throw new StatusError("INTERNAL", "grpc: more than one request message for a unary call");
        this.#request = this.#stream.remoteEnded ? message : kept(message);
      }
      this.#reader.keep();
      this.#stream.consumed(bytes.length);
    } catch (error) {
      this.#refuse(error);
    }
  }

  end(): void {
    if (this.#isOver) return;
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined || this.#reader?.isInMessage)
      this.#refuse(new StatusError("INTERNAL", "grpc: the request ended before its message was whole"));
    else this.#serve(request);
  }

  drained(): void {}

  gone(): void {
    if (this.#close("CANCELLED")) this.#tellGone();
  }

  /** The deadline passed, long enough ago that the client's clock has ended the call as well. */
  expired(): void {
    this.#refuse(new StatusError("DEADLINE_EXCEEDED", "context deadline exceeded"));
    this.#tellGone();
  }

  succeed(answer: Uint8Array): void {
    if (this.#close("OK", answer)) this.#answer(answer);
    this.#settled();
  }

  fail(error: unknown): void {
    this.#refuse(error);
    this.#settled();
  }

  tookMs(): number {
    return this.#stream.nowMs - this.#startMs;
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

  get traceparent(): string | undefined {
    return this.#kind.parts.traceparent;
  }

  get certificateName(): string | undefined {
    return this.#kind.parts.isGateway ? undefined : certificateName(this.#stream.socket);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isOver && this.#work !== "done") this.#controller.abort();
    return this.#controller.signal;
  }

  roomForAnswer(): Promise<void> | undefined {
    return this.#enter(this.#stream.unread.small);
  }

  async roomForLargeAnswer(): Promise<void> {
    this.#leaveLane();
    await this.#enter(this.#stream.unread.large);
  }

  #serve(request: Uint8Array): void {
    const { received, metrics } = this.#kind.parts;
    received.count += request.length;
    metrics.received();
    this.#request = request;
    this.#work = "begun";
    try {
      this.#handler(request, this, this);
    } catch (error) {
      this.fail(error);
    }
    if (this.#work !== "begun") return;
    this.#work = "underWay";
    this.#stream.takeSlot();
  }

  #answer(answer: Uint8Array): void {
    const stream = this.#stream;
    const { sent, metrics } = this.#kind.parts;
    sent.count += answer.length;
    metrics.sent();
    if (answerWhole(stream, answer) || !stream.countIn(this.#lane ?? stream.unread.other)) return;
    stream.respond(beginBlock);
    writeMessage(stream, answer);
    stream.finish(okBlock);
  }

  #refuse(error: unknown): void {
    if (this.#isOver) return;
    const failure = this.#kind.parts.failure(error);
    this.#close(failure.status);
    this.#stream.respondOnly(onlyFailureBlock(failure));
  }

  /** The handler is done with the call. */
  #settled(): void {
    const work = this.#work;
    if (work === "done") throw new Error("a call was answered twice");
    this.#work = "done";
    this.#leaveLane();
    if (work === "underWay") this.#stream.freeSlot();
  }

  #leaveLane(): void {
    this.#lane?.leave();
    this.#lane = undefined;
  }

  #enter(lane: AnswerLane): Promise<void> | undefined {
    if (this.#isOver) return Promise.reject(nobodyWaits());
    const place = lane.enter();
    if (place === undefined) {
      this.#lane = lane;
      return undefined;
    }
    this.#leaveLine = place.giveUp;
    return place.entered.then(() => {
      this.#lane = lane;
      this.#leaveLine = undefined;
    });
  }

  /** Nobody waits for the answer any more. */
  #tellGone(): void {
    this.#controller?.abort();
    this.#leaveLine?.(nobodyWaits());
  }

  #close(status: GrpcStatus, answer?: Uint8Array): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    const kind = this.#kind;
    const tookMs = this.tookMs();
    kind.finish(this, status, tookMs, this.#deadline);
    const { slow, path } = kind.parts;
    if (tookMs > slow.warningMs)
      slow.tell({ path, tookMs, remote: addressOf(this.#stream.socket), request: this.#request, answer });
    this.#request = undefined;
    return true;
  }
}

const nobodyWaits = () => new StatusError("CANCELLED", "context canceled");

const addressOf = (socket: Duplex): string =>
  socket instanceof Socket && socket.remoteAddress !== undefined
    ? `${socket.remoteAddress}:${socket.remotePort}`
    : "";
