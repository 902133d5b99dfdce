import { sleep, systemClock } from "../../base/os/clock.ts";
import { isAlive } from "./cluster-state.ts";

/** Whether the process ended within the time. */
export async function untilGone(pid: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const deadlineMs = systemClock.monotonicMs() + timeoutMs;
  while (isAlive(pid)) {
    if (systemClock.monotonicMs() > deadlineMs) return false;
    await sleep(systemClock, 50, signal);
  }
  return true;
}
