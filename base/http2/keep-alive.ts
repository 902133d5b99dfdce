import type { Clock } from "../os/clock.ts";

/** etcd's --grpc-keepalive-interval and --grpc-keepalive-timeout. */
const silentMostMs = 2 * 3_600_000;
const answerWithinMs = 20_000;
const payload = Buffer.from("still on");

/** Asks a client that was silent for long whether it is there, and gives up one that does not answer. */
export class KeepAlive {
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  readonly #does: { ping(payload: Buffer): void; dead(): void };
  #heardMs: number;
  #stopTimer: () => void;

  constructor(
    clock: Pick<Clock, "monotonicMs" | "after">,
    does: { ping(payload: Buffer): void; dead(): void },
  ) {
    this.#clock = clock;
    this.#does = does;
    this.#heardMs = clock.monotonicMs();
    this.#stopTimer = clock.after(silentMostMs, () => this.#look());
  }

  /** Something came from the client. */
  heard(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#stopTimer();
  }

  #look(): void {
    const askedMs = this.#clock.monotonicMs();
    const restMs = this.#heardMs + silentMostMs - askedMs;
    if (restMs > 0) {
      this.#stopTimer = this.#clock.after(restMs, () => this.#look());
      return;
    }
    this.#does.ping(payload);
    this.#stopTimer = this.#clock.after(answerWithinMs, () => {
      if (this.#heardMs < askedMs) this.#does.dead();
      else this.#look();
    });
  }
}
