import { sleep, systemClock } from "../../base/os/clock.ts";
import { isAlive } from "./cluster-state.ts";

/** Longer than any machine takes to end what SIGKILL was sent to, unless it cannot be ended. */
export const killedMs = 10_000;

/** Whether the process ended within the time. */
export async function untilGone(pid: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const deadlineMs = systemClock.monotonicMs() + timeoutMs;
  while (isAlive(pid)) {
    if (systemClock.monotonicMs() > deadlineMs) return false;
    await sleep(systemClock, 50, signal);
  }
  return true;
}
