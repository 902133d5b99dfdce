import type { Clock } from "../../base/os/clock.ts";

/** A pause is so many times as long as the work before it. */
const pausePerWork = 2;
/** What is shorter is not worth a timer, which counts whole milliseconds. */
const pauseMsLeast = 1;
const pauseMsMost = 20;

/** Work that is asked for again and again, and done each time for all that came since. As a rule it is done in the turn after it
 *  was asked for, behind what that turn itself has to say. Where it takes long it pauses after each time, by so much longer the
 *  longer it took: then more comes together, and the rest of the process gets its share of the thread. */
export class PacedWork {
  readonly #work: () => void;
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  readonly #defer: (run: () => void) => void;
  readonly #onTook: ((tookMs: number) => void) | undefined;
  #isDue = false;
  #notBeforeMs = 0;
  #cancel: (() => void) | undefined;

  constructor(
    work: () => void,
    parts: {
      readonly clock: Pick<Clock, "monotonicMs" | "after">;
      /** Runs what it is given in the next turn; `setImmediate` if it is not given. */
      readonly defer?: (run: () => void) => void;
      /** Hears how long the work took, each time. */
      readonly onTook?: (tookMs: number) => void;
    },
  ) {
    this.#work = work;
    this.#clock = parts.clock;
    this.#defer = parts.defer ?? setImmediate;
    this.#onTook = parts.onTook;
  }

  /** There is something to do. */
  request(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const waitMs = this.#notBeforeMs - this.#clock.monotonicMs();
    if (waitMs > 0) this.#cancel = this.#clock.after(waitMs, this.#runIfDue);
    else this.#defer(this.#runIfDue);
  }

  /** Does it now. */
  run(): void {
    this.stop();
    const beganMs = this.#clock.monotonicMs();
    this.#work();
    // Writing to sockets is a part of it, and is done at the end of the turn.
    process.nextTick(() => {
      const endedMs = this.#clock.monotonicMs();
      this.#onTook?.(endedMs - beganMs);
      const pauseMs = Math.min(pausePerWork * (endedMs - beganMs), pauseMsMost);
      this.#notBeforeMs = pauseMs < pauseMsLeast ? 0 : endedMs + pauseMs;
    });
  }

  /** Nothing is to be done any more until the next `request`. */
  stop(): void {
    this.#isDue = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #runIfDue = (): void => {
    if (this.#isDue) this.run();
  };
}
