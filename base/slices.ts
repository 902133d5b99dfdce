import { ownSetImmediate } from "./os/own-timers.ts";

/** Work that may pause wherever it yields. What lies between two yields is a slice: short, so that whatever else waits for
 *  the event loop (heartbeats, other requests) gets it soon. */
export type Sliced<T> = Generator<void, T, void>;

/** What is left of a work that could not be done at once. */
export class Unfinished<T> {
  readonly rest: Sliced<T>;

  constructor(rest: Sliced<T>) {
    this.rest = rest;
  }
}

/** A result that was there at once, without a generator, or the work that is left for it. */
export type Soon<T> = T | Unfinished<T>;

/** Does the work without a pause. */
export function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Hands out turns to works that pause, one turn of the event loop to each slice, whoever's it is: many large works at the
 *  same time take longer, but hold the loop no longer at a stretch than one. */
export class Turns {
  /** Runs what it is given in a turn of its own. */
  readonly defer: (run: () => void) => void;
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  constructor(defer: (run: () => void) => void = ownSetImmediate) {
    this.defer = defer;
  }

  /** Resolves when the next slice may run. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  /** Does the work, pausing wherever it yields. */
  async run<T>(work: Sliced<T>): Promise<T> {
    for (let step = work.next(); ; step = work.next()) {
      if (step.done) return step.value;
      await this.next();
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    this.defer(() => {
      this.#isScheduled = false;
      this.#waiting.shift()?.();
      this.#schedule();
    });
  }
}
