import type { Clock } from "./clock.ts";

/** It did not come about in time. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** How long work may take. */
export interface TimeLimit {
  readonly timeoutMs: number;
  /** What the work is for, such as `node-1 is ready`, for the error's text. */
  readonly what: string;
  /** Each ends the work sooner, with its reason. */
  readonly signals?: readonly AbortSignal[];
}

/** Resolves with what work makes. The signal that the work is given aborts with TimeoutError when its time is over: work has to
 *  end then. */
export type Within = <T>(work: (signal: AbortSignal) => Promise<T>, limit: TimeLimit) => Promise<T>;

/** Time by this clock. */
export function withinBy(clock: Pick<Clock, "after">): Within {
  return async (work, { timeoutMs, what, signals = [] }) => {
    for (const signal of signals) signal.throwIfAborted();
    const ending = new AbortController();
    const end = ({ target }: globalThis.Event) => ending.abort((target as AbortSignal).reason);
    const late = () => ending.abort(new TimeoutError(`${what}: not within ${timeoutMs / 1000} s`));
    for (const signal of signals) signal.addEventListener("abort", end, { once: true });
    const cancel = clock.after(timeoutMs, late);
    try {
      return await work(ending.signal);
    } finally {
      cancel();
      for (const signal of signals) signal.removeEventListener("abort", end);
    }
  };
}
