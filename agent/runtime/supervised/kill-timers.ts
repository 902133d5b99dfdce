import type { Clock } from "../../../base/os/clock.ts";

/** When containers that are being stopped are killed: at the earliest time that anybody asked for. */
export class KillTimers {
  readonly #clock: Clock;
  readonly #timers = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `kill` after the delay, unless it is called sooner already. True when nothing was set for the container yet. */
  set(id: string, delayMs: number, kill: () => void): boolean {
    const known = this.#timers.get(id);
    const dueMs = this.#clock.monotonicMs() + delayMs;
    if (known !== undefined && known.dueMs <= dueMs) return false;
    known?.cancel();
    this.#timers.set(id, { dueMs, cancel: this.#clock.after(delayMs, kill) });
    return known === undefined;
  }

  /** Once it was killed: calls `then` when it is not cleared within the delay. */
  afterKill(id: string, delayMs: number, then: () => void): void {
    if (!this.#timers.has(id)) return; // it has ended
    this.#timers.set(id, { dueMs: Number.NEGATIVE_INFINITY, cancel: this.#clock.after(delayMs, then) });
  }

  clear(id: string): void {
    this.#timers.get(id)?.cancel();
    this.#timers.delete(id);
  }

  clearAll(): void {
    for (const id of [...this.#timers.keys()]) this.clear(id);
  }
}
