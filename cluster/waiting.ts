import type { Clock } from "../base/os/clock.ts";
import { ownClearInterval, ownSetInterval } from "../base/os/own-timers.ts";
import type { Within } from "../base/os/within.ts";

/** Whether somebody waits for a cluster. Only then does it keep its process alive: a cluster that a failing test left running must
 *  not keep the test's runner from ending. */
export class Waiting {
  #count = 0;
  #held: NodeJS.Timeout | undefined;

  /** Somebody waits, until the function is called that is returned. */
  begin(): () => void {
    if (this.#count++ === 0) this.#held = ownSetInterval(() => {}, longMs);
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      if (--this.#count > 0) return;
      ownClearInterval(this.#held);
      this.#held = undefined;
    };
  }

  /** The same clock for whoever waits by it. */
  clockOf(clock: Clock): Clock {
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      after: (delayMs, fire) => {
        const end = this.begin();
        const cancel = clock.after(delayMs, () => {
          end();
          fire();
        });
        return () => {
          end();
          cancel();
        };
      },
    };
  }

  /** The same bound for whoever waits. */
  whileIn(within: Within): Within {
    return (work, limit) => this.during(() => within(work, limit));
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const end = this.begin();
    try {
      return await work();
    } finally {
      end();
    }
  }
}

/** The longest that Node counts. */
const longMs = 2 ** 31 - 1;
