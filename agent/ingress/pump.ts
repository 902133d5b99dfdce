import type { Readable } from "node:stream";
import type { Clock } from "../../base/os/clock.ts";

export interface PumpParts {
  readonly clock: Pick<Clock, "after">;
  /** False: what is given next waits until `drained`. */
  readonly write: (bytes: Buffer) => boolean;
  readonly onEnd: () => void;
  /** How long nothing may be taken. */
  readonly stallMs: number;
  readonly onStalled: () => void;
}

/** Passes on what comes as fast as it is taken; a taker that takes nothing for too long is told of. */
export class Pump {
  readonly #from: Readable;
  #cancel: (() => void) | undefined;

  constructor(from: Readable, { clock, write, onEnd, stallMs, onStalled }: PumpParts) {
    this.#from = from;
    from.on("data", (bytes: Buffer) => {
      if (write(bytes) || this.#cancel !== undefined) return;
      from.pause();
      this.#cancel = clock.after(stallMs, onStalled);
    });
    from.on("end", onEnd);
  }

  /** There is room again. */
  drained(): void {
    if (this.#cancel === undefined) return;
    this.stop();
    this.#from.resume();
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
