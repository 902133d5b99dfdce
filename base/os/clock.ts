import { ownClearTimeout, ownMonotonicMs, ownSetTimeout, ownWallMs } from "./own-timers.ts";

/** Time as an argument. Everything that waits, measures or stamps takes a `Clock`; simulation hands in its own. */
export interface Clock {
  /** Milliseconds that only ever rise; for durations and deadlines. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch; for stamps that people or other machines read. */
  wallMs(): number;
  /** Calls `fire` once, no sooner than `delayMs` from now. The returned function cancels (idempotent). */
  after(delayMs: number, fire: () => void): () => void;
}

const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: ownMonotonicMs,
  wallMs: ownWallMs,
  after: (delayMs, fire) => {
    const dueMs = ownMonotonicMs() + delayMs;
    // Node fires at once what is due later than it can count, and warns of what was due before.
    const next = (leftMs: number): NodeJS.Timeout =>
      leftMs <= timerMsMax
        ? ownSetTimeout(fire, Math.max(0, leftMs))
        : ownSetTimeout(() => {
            timer = next(dueMs - ownMonotonicMs());
          }, timerMsMax);
    let timer = next(delayMs);
    return () => ownClearTimeout(timer);
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Does it again and again, `everyMs` after it did it last, until what is returned is called. */
export function every(clock: Pick<Clock, "after">, everyMs: number, work: () => void): () => void {
  const again = () => {
    cancel = clock.after(everyMs, again);
    work();
  };
  let cancel = clock.after(everyMs, again);
  return () => cancel();
}
