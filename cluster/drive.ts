import { systemClock } from "../base/os/clock.ts";
import type { MovableClock } from "./cluster-clock.ts";
import { TimeoutError } from "./until.ts";

/** Resolves with what work makes, and moves a clock that stands still meanwhile. The signal aborts when it is late, or when the
 *  cluster is stopped. */
export async function drive<T>(
  begin: (signal: AbortSignal) => Promise<T>,
  { timeoutMs, what }: { readonly timeoutMs: number; readonly what: string },
  { clock, isManual }: { readonly clock: MovableClock; readonly isManual: boolean },
  stopped: AbortSignal,
): Promise<T> {
  const late = new AbortController();
  let isDone = false;
  const onStop = () => late.abort(new Error(`${what}: the cluster was stopped`));
  stopped.addEventListener("abort", onStop, { once: true });
  if (stopped.aborted) onStop();
  const work = begin(late.signal).finally(() => {
    isDone = true;
    stopped.removeEventListener("abort", onStop);
  });
  work.catch(() => undefined); // heard below
  const onLate = () => late.abort(new TimeoutError(`${what}: not within ${timeoutMs / 1000} s`));
  if (isManual) {
    await clock.advanceUntil(() => isDone, timeoutMs);
    if (!isDone) onLate();
    return work;
  }
  const cancel = systemClock.after(timeoutMs, onLate);
  return work.finally(cancel);
}
