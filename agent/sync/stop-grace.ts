import type { Clock } from "../../base/os/clock.ts";

/** The time that what is being stopped still has. It can be shortened while the stop goes on, never lengthened. */
export class StopGrace {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #endMs: number;

  constructor(clock: Clock, seconds: number) {
    this.#clock = clock;
    this.#endMs = clock.monotonicMs() + seconds * 1000;
  }

  get leftSeconds(): number {
    return Math.max(0, this.#endMs - this.#clock.monotonicMs()) / 1000;
  }

  /** From now on no more than so many seconds are left. */
  shorten(seconds: number): void {
    const endMs = this.#clock.monotonicMs() + seconds * 1000;
    if (endMs >= this.#endMs) return;
    this.#endMs = endMs;
    for (const listener of [...this.#listeners]) listener();
  }

  onShortened(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves with the promise, or as soon as the grace is over with undefined. Rejects when the signal aborts. */
  within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      let cancel = () => {};
      const arm = () => {
        cancel();
        cancel = this.#clock.after(this.leftSeconds * 1000, () => end(() => resolve(undefined)));
      };
      const off = this.onShortened(arm);
      const onAbort = () => end(() => reject(signal.reason));
      const end = (settle: () => void) => {
        cancel();
        off();
        signal.removeEventListener("abort", onAbort);
        settle();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      arm();
      promise.then(
        (value) => end(() => resolve(value)),
        (error: unknown) => end(() => reject(error)),
      );
    });
  }
}
