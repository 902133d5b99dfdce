import type { Socket } from "node:net";
import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { type Deferred, deferred } from "../../../base/deferred.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import { StoreError } from "../../errors.ts";
import type { MemberId } from "../../raft/types.ts";
import { type DialOptions, dial, RefusedError } from "./dial.ts";
import { type Frame, type FrameKind, frameHead, frameHeadBytes, frameKinds } from "./frame.ts";
import type { MessageParts } from "./message-codec.ts";
import { readAnswer, writeQuestion } from "./question.ts";

export const linkLimits = {
  /** Bytes handed to the socket but not yet sent, beyond which messages are dropped; raft sends them again. */
  queueBytesMax: 64 * 1024 * 1024,
  probeEveryMs: 5_000,
  /** A probe without an answer for so long ends the connection. */
  probeWithinMs: 5_000,
  /** What was sent last may take so long to leave once the link is closed. */
  endWithinMs: 1_000,
} as const;
/** What is smaller is copied together: that costs less than to write several pieces. */
const joinedBytesMax = 16 * 1024;
const noBytes = new Uint8Array(0);
/** Reasons logged of one loss: each URL may fail in a way of its own, and what a peer says is its own. */
const toldMax = 16;
const redialWait: BackoffOptions = { firstMs: 50, mostMs: 1_000 };

type State =
  | { readonly state: "dialling" }
  | { readonly state: "waiting"; readonly cancel: () => void }
  | { readonly state: "up"; readonly socket: Socket; readonly sinceMs: number }
  | { readonly state: "closed" };

export interface LinkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onSent: (bytes: number) => void;
  readonly onSendFailure: () => void;
  /** The connection broke. */
  readonly onDown: () => void;
  /** The peer says that this member is no longer of its cluster. */
  readonly onRemoved: () => void;
  readonly onRoundTrip: (seconds: number) => void;
}

/** Sends to one peer. Reconnects for as long as it lives, to each of the peer's URLs in turn. */
export class OutgoingLink {
  readonly id: MemberId;
  readonly #options: () => DialOptions;
  readonly #parts: LinkParts;
  #urls: readonly string[];
  #state: State = { state: "dialling" };
  #failures = 0;
  /** Why there is no connection, as far as it was logged since there was one. */
  readonly #told = new Set<string>();
  #queued: Uint8Array[] = [];
  #queuedBytes = 0;
  #flushing = false;
  #questions = new Map<number, Deferred<Uint8Array>>();
  #lastQuestion = 0;
  #probe: { readonly sentMs: number } | undefined;
  #stopProbing: () => void = () => undefined;

  /** `options` may tell something else for every connection. */
  constructor(id: MemberId, urls: readonly string[], options: () => DialOptions, parts: LinkParts) {
    this.id = id;
    this.#urls = urls;
    this.#options = options;
    this.#parts = parts;
    this.#dial();
  }

  /** How long the connection has stood; 0 when there is none. */
  get connectedForMs(): number {
    return this.#state.state === "up"
      ? Math.max(1, this.#parts.clock.monotonicMs() - this.#state.sinceMs)
      : 0;
  }

  set urls(urls: readonly string[]) {
    this.#urls = urls;
  }

  get urls(): readonly string[] {
    return this.#urls;
  }

  send({ head, entries }: MessageParts): void {
    if (this.#state.state !== "up" || this.#state.socket.writableLength > linkLimits.queueBytesMax) {
      this.#parts.onSendFailure();
      return;
    }
    this.#write(frameKinds.message, head, entries);
  }

  /** Rejects with a StoreError that the peer answered, with TIMEOUT_CONNECTION_LOST, or with TIMEOUT. */
  ask(kind: string, id: bigint, withinMs: number = linkLimits.probeWithinMs): Promise<Uint8Array> {
    if (this.#state.state !== "up") return Promise.reject(new StoreError("TIMEOUT_CONNECTION_LOST"));
    const number = ++this.#lastQuestion;
    const answer = deferred<Uint8Array>();
    this.#questions.set(number, answer);
    this.#write(frameKinds.question, writeQuestion({ number, kind, id }));
    const stopTimer = this.#parts.clock.after(withinMs, () => answer.reject(new StoreError("TIMEOUT")));
    return answer.promise.finally(() => {
      stopTimer();
      this.#questions.delete(number);
    });
  }

  /** What was sent in this turn still leaves: it may tell the peer of its own removal. */
  close(): void {
    this.#flush();
    const before = this.#state;
    this.#state = { state: "closed" };
    this.#stopProbing();
    if (before.state === "up") this.#end(before.socket);
    if (before.state === "waiting") before.cancel();
    this.#failQuestions();
  }

  /** A peer that reads nothing is not waited for. */
  #end(socket: Socket): void {
    const stopTimer = this.#parts.clock.after(linkLimits.endWithinMs, () => socket.destroy());
    socket.once("close", stopTimer);
    socket.destroySoon();
  }

  // waiting -> dialling -> up | waiting
  #dial(): void {
    this.#state = { state: "dialling" };
    const url = this.#urls[this.#failures % Math.max(1, this.#urls.length)];
    if (url === undefined) {
      this.#down(new Error("the member has no peer URL"));
      return;
    }
    let socket: Socket | undefined;
    const onEnd = (error: Error) => {
      if (this.#state.state === "up" && this.#state.socket === socket) this.#down(error);
    };
    dial(url, this.#options(), { onFrame: (frame) => this.#take(frame), onEnd }).then(
      (connected) => {
        socket = connected;
        if (this.#state.state !== "dialling" || connected.destroyed) connected.destroy();
        if (this.#state.state === "dialling") this.#up(connected, url);
      },
      (error: Error) => {
        if (error instanceof RefusedError && error.isRemoved) this.#parts.onRemoved();
        if (this.#state.state === "dialling") this.#down(error);
      },
    );
  }

  #up(socket: Socket, url: string): void {
    this.#parts.log.info("established TCP streaming connection with remote peer", {
      "remote-peer-id": this.id,
      url,
    });
    this.#failures = 0;
    this.#state = { state: "up", socket, sinceMs: this.#parts.clock.monotonicMs() };
    if (socket.destroyed) {
      this.#down(new Error(`the connection to ${url} was closed`));
      return;
    }
    this.#scheduleProbe();
  }

  #down(error: Error): void {
    const { log } = this.#parts;
    const fields = { "remote-peer-id": this.id, error };
    if (this.#state.state === "up") {
      log.warn("lost TCP streaming connection with remote peer", fields);
      this.#parts.onDown();
    }
    this.#failures += 1;
    if (this.#failures === 1) this.#told.clear();
    if (this.#state.state !== "up" && !this.#told.has(error.message) && this.#told.size < toldMax) {
      this.#told.add(error.message);
      log.warn("prober detected unhealthy status", fields);
    }
    this.#stopProbing();
    this.#probe = undefined;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#failQuestions();
    const waitMs = backoffMs(redialWait, this.#failures, this.#parts.random);
    this.#state = { state: "waiting", cancel: this.#parts.clock.after(waitMs, () => this.#dial()) };
  }

  #failQuestions(): void {
    for (const question of this.#questions.values())
      question.reject(new StoreError("TIMEOUT_CONNECTION_LOST"));
    this.#questions.clear();
  }

  #take({ kind, payload }: Frame): void {
    if (kind === frameKinds.pong && this.#probe !== undefined) {
      this.#parts.onRoundTrip((this.#parts.clock.monotonicMs() - this.#probe.sentMs) / 1000);
      this.#probe = undefined;
    } else if (kind === frameKinds.answer) {
      const { number, error, payload: body } = readAnswer(payload);
      const question = this.#questions.get(number);
      if (error === undefined) question?.resolve(body);
      else question?.reject(error);
    }
  }

  /** Everything written in one turn of the event loop leaves in one write; `rest` is not copied. */
  #write(kind: FrameKind, payload: Uint8Array, rest: Uint8Array = noBytes): void {
    this.#queued.push(frameHead(kind, payload.length + rest.length), payload);
    this.#queuedBytes += frameHeadBytes + payload.length + rest.length;
    if (rest.length > 0) this.#queued.push(rest);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const pieces = this.#queued;
    const bytes = this.#queuedBytes;
    this.#queued = [];
    this.#queuedBytes = 0;
    if (this.#state.state !== "up" || pieces.length === 0) return;
    this.#parts.onSent(bytes);
    const { socket } = this.#state;
    if (bytes <= joinedBytesMax) {
      socket.write(Buffer.concat(pieces, bytes));
      return;
    }
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
  }

  #scheduleProbe(): void {
    const { clock } = this.#parts;
    this.#stopProbing = clock.after(linkLimits.probeEveryMs, () => {
      if (this.#state.state !== "up") return;
      if (this.#probe !== undefined && clock.monotonicMs() - this.#probe.sentMs >= linkLimits.probeWithinMs) {
        this.#state.socket.destroy(new Error("the peer answers no probes"));
        return;
      }
      this.#probe ??= { sentMs: clock.monotonicMs() };
      this.#write(frameKinds.ping, new Uint8Array(0));
      this.#scheduleProbe();
    });
  }
}
