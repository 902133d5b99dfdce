import type { Clock } from "../os/clock.ts";

/** Ends a connection that nobody has used for a time. Cheap for one that is used: it looks at the clock, and sets no timer. */
export class IdleWatch {
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  readonly #mostMs: number;
  readonly #does: { isBusy(): boolean; end(): void };
  #usedMs: number;
  #stopTimer: () => void;

  constructor(
    clock: Pick<Clock, "monotonicMs" | "after">,
    mostMs: number,
    does: { isBusy(): boolean; end(): void },
  ) {
    this.#clock = clock;
    this.#mostMs = mostMs;
    this.#does = does;
    this.#usedMs = clock.monotonicMs();
    this.#stopTimer = clock.after(mostMs, () => this.#look());
  }

  /** A request is over. */
  used(): void {
    this.#usedMs = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#stopTimer();
  }

  #look(): void {
    const idleSinceMs = this.#does.isBusy() ? this.#clock.monotonicMs() : this.#usedMs;
    const restMs = idleSinceMs + this.#mostMs - this.#clock.monotonicMs();
    if (restMs > 0) this.#stopTimer = this.#clock.after(restMs, () => this.#look());
    else this.#does.end();
  }
}
