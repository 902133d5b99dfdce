import { type Clock, sleep } from "../../base/os/clock.ts";

/** Waits, or resolves at once when the signal aborts, which who waits looks at. */
export const pause = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  sleep(clock, ms, signal).catch(() => undefined); // aborted, which the signal says
