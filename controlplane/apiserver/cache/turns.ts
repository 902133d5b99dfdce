import { ownSetImmediate } from "../../../base/os/own-timers.ts";

/** So many are served at a time: some milliseconds' worth of watchers. */
export const turnsAtOnce = 256;

/** Serves many in the order in which they came, some at a time, so that whatever else is to be done gets its turn in between.
 *  Who is added again before being served is served once. Size: one entry for each that waits. */
export class Turns<T> {
  readonly #serve: (one: T) => void;
  readonly #later: (next: () => void) => void;
  readonly #waiting = new Set<T>();
  #isScheduled = false;

  /** @param later Calls when others have had their turn. */
  constructor(serve: (one: T) => void, later: (next: () => void) => void = ownSetImmediate) {
    this.#serve = serve;
    this.#later = later;
  }

  add(one: T): void {
    this.#waiting.add(one);
  }

  drop(one: T): void {
    this.#waiting.delete(one);
  }

  /** Serves the first of those who wait; the others follow later by themselves. */
  take(): void {
    let served = 0;
    for (const one of this.#waiting) {
      if (served++ === turnsAtOnce) break;
      this.#waiting.delete(one);
      this.#serve(one);
    }
    if (this.#waiting.size === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    this.#later(() => {
      this.#isScheduled = false;
      this.take();
    });
  }
}
