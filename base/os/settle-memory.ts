import { Session } from "node:inspector";
import { getHeapStatistics } from "node:v8";
import type { Clock } from "./clock.ts";

/** A start is over by then, and what it made and needs no more is garbage. */
const settledMs = 2_000;
/** A thread stands still while it collects: some 20 ms with 35 MB. What has much more in use by then has other things to do. */
const usedMbUsually = 96;

/** Has this thread give back, once it has started, what memory only the start needed. Room for young objects grows with all that a
 *  program loads, and V8 keeps it until it has seen for half a minute that there is little to do.
 *  @param usedMbMost With more than this in use nothing is done.
 *  @returns Lets it be. */
export function settleMemory(clock: Pick<Clock, "after">, usedMbMost = usedMbUsually): () => void {
  return clock.after(settledMs, () => {
    if (getHeapStatistics().used_heap_size <= usedMbMost * 2 ** 20) collectGarbage();
  });
}

/** As V8 does when the system is low on memory, which `gc()` does not: room that is empty goes back. */
function collectGarbage(): void {
  const session = new Session();
  session.connect();
  // Within the answer the session is still in use.
  session.post("HeapProfiler.collectGarbage", () => setImmediate(() => session.disconnect()));
}
