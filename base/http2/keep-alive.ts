import type { Clock } from "../os/clock.ts";

const payload = Buffer.from("still on");

export interface SilenceLimits {
  /** After so long without a byte the peer is asked. */
  readonly silentMostMs: number;
  /** It is dead when nothing comes for so long after that. */
  readonly answerWithinMs: number;
}

/** etcd's --grpc-keepalive-interval and --grpc-keepalive-timeout. */
export const serverSilence: SilenceLimits = { silentMostMs: 2 * 3_600_000, answerWithinMs: 20_000 };

/** Asks a peer that was silent for long whether it is there, and gives up one that does not answer. */
export class KeepAlive {
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  readonly #limits: SilenceLimits;
  readonly #does: { ping(payload: Buffer): void; dead(): void };
  /** When something came from the peer last. */
  heardMs = 0;
  #stopTimer: () => void = () => undefined;

  constructor(
    clock: Pick<Clock, "monotonicMs" | "after">,
    limits: SilenceLimits,
    does: { ping(payload: Buffer): void; dead(): void },
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#does = does;
  }

  /** From now on silence matters. */
  start(): void {
    this.heard();
    this.#stopTimer = this.#clock.after(this.#limits.silentMostMs, () => this.#look());
  }

  /** Something came from the peer. */
  heard(): void {
    this.heardMs = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#stopTimer();
  }

  #look(): void {
    const { silentMostMs, answerWithinMs } = this.#limits;
    const askedMs = this.#clock.monotonicMs();
    const restMs = this.heardMs + silentMostMs - askedMs;
    if (restMs > 0) {
      this.#stopTimer = this.#clock.after(restMs, () => this.#look());
      return;
    }
    this.#does.ping(payload);
    this.#stopTimer = this.#clock.after(answerWithinMs, () => {
      if (this.heardMs < askedMs) this.#does.dead();
      else this.#look();
    });
  }
}
