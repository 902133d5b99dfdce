import { type Deferred, deferred } from "../../../base/deferred.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";

/** So many at a time; who comes later waits its turn. */
export class Slots {
  #free: number;
  readonly #waiting: Deferred<void>[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /** Answers how to leave, which may be called more than once. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else {
      const turn = deferred<void>();
      this.#waiting.push(turn);
      try {
        await unlessAborted(turn.promise, signal);
      } catch (error) {
        const at = this.#waiting.indexOf(turn);
        if (at >= 0) this.#waiting.splice(at, 1);
        else this.#leave(); // its turn came at the same time
        throw error;
      }
    }
    let isHere = true;
    return () => {
      if (isHere) this.#leave();
      isHere = false;
    };
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next.resolve();
  }
}
