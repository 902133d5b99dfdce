import type { AnswerLane, UnreadAnswers } from "../../../base/http2/answer-lane.ts";
import type { Call } from "../../rpc/handler.ts";
import { StatusError } from "../../rpc/status.ts";

/** What a service is told of a call; its signal is made only for those who ask for it. */
export class CallContext implements Call {
  readonly requireLeader: boolean;
  readonly deadlineMs: number | undefined;
  readonly #unread: UnreadAnswers;
  #isGone = false;
  #controller: AbortController | undefined;
  #lane: AnswerLane | undefined;
  #giveUp: ((reason: Error) => void) | undefined;

  constructor(options: {
    readonly requireLeader: boolean;
    readonly deadlineMs: number | undefined;
    readonly unread: UnreadAnswers;
  }) {
    this.requireLeader = options.requireLeader;
    this.deadlineMs = options.deadlineMs;
    this.#unread = options.unread;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isGone) this.#controller.abort();
    return this.#controller.signal;
  }

  roomForAnswer(): Promise<void> | undefined {
    return this.#enter(this.#unread.small);
  }

  async roomForLargeAnswer(): Promise<void> {
    this.settled();
    await this.#enter(this.#unread.large);
  }

  /** Where the answer counts until the client has taken it. */
  get lane(): AnswerLane {
    return this.#lane ?? this.#unread.other;
  }

  /** The service is done with the call. */
  settled(): void {
    this.#lane?.leave();
    this.#lane = undefined;
  }

  /** Nobody waits for the answer any more. */
  gone(): void {
    this.#isGone = true;
    this.#controller?.abort();
    this.#giveUp?.(nobodyWaits());
  }

  #enter(lane: AnswerLane): Promise<void> | undefined {
    if (this.#isGone) return Promise.reject(nobodyWaits());
    const place = lane.enter();
    if (place === undefined) {
      this.#lane = lane;
      return undefined;
    }
    this.#giveUp = place.giveUp;
    return place.entered.then(() => {
      this.#lane = lane;
      this.#giveUp = undefined;
    });
  }
}

const nobodyWaits = () => new StatusError("CANCELLED", "context canceled");
