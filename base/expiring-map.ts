import type { Clock } from "./os/clock.ts";

/** Values that hold for a while, as many as `most`: with one more, what was put first goes first. */
export class ExpiringMap<T> {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #most: number;
  readonly #entries = new Map<string, { readonly value: T; readonly untilMs: number }>();

  constructor(clock: Pick<Clock, "monotonicMs">, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#clock.monotonicMs() < entry.untilMs) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** Keeps nothing where `keepMs` is not positive. */
  put(key: string, value: T, keepMs: number): void {
    if (keepMs <= 0) return;
    const nowMs = this.#clock.monotonicMs();
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: nowMs + keepMs });
    for (const [oldest, { untilMs }] of this.#entries) {
      if (untilMs > nowMs && this.#entries.size <= this.#most) break;
      this.#entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
