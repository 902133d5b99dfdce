import type { Clock } from "../../base/os/clock.ts";

/** Calls `tick` every `intervalMs`. However long the process stood still, it then ticks once: messages that came meanwhile
 *  must be read before anybody concludes that a leader is silent. */
export class Ticker {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #tick: (lateMs: number) => void;
  #cancel: (() => void) | undefined;
  #dueMs = 0;

  constructor(clock: Clock, intervalMs: number, tick: (lateMs: number) => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#tick = tick;
  }

  start(): void {
    this.#schedule(this.#clock.monotonicMs());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(nowMs: number): void {
    this.#dueMs = nowMs + this.#intervalMs;
    this.#cancel = this.#clock.after(this.#intervalMs, () => {
      const firedMs = this.#clock.monotonicMs();
      const lateMs = Math.max(0, firedMs - this.#dueMs);
      this.#schedule(firedMs);
      this.#tick(lateMs);
    });
  }
}
