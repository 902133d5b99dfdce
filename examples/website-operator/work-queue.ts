import { setTimeout as sleep } from "node:timers/promises";

/** Keys to work on: each at most once in the queue, never by two at once, and again later where work on it failed. */
export class WorkQueue {
  readonly #waiting = new Set<string>();
  readonly #failures = new Map<string, number>();
  #wake = () => {};

  add(key: string): void {
    this.#waiting.add(key);
    this.#wake();
  }

  /** Works until the signal says to stop. Whatever comes for a key while it is worked on is worked on after. */
  async run(work: (key: string) => Promise<void>, signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const [key] = this.#waiting;
      if (key === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (signal.aborted || this.#waiting.size > 0) resolve();
        });
        continue;
      }
      this.#waiting.delete(key);
      try {
        await work(key);
        this.#failures.delete(key);
      } catch (error) {
        console.error(`${key}: ${messageOf(error)}`);
        this.#addLater(key, signal);
      }
    }
  }

  #addLater(key: string, signal: AbortSignal): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const delayMs = Math.min(delayMostMs, delayLeastMs * 2 ** (failures - 1));
    // Aborted, it rejects: then nobody works on keys any more.
    sleep(delayMs, undefined, { signal }).then(
      () => this.add(key),
      () => {},
    );
  }
}

const delayLeastMs = 50;
const delayMostMs = 30_000;

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
