import { deferred } from "./deferred.ts";

/** Waits for work that goes on without the waiter: a signal ends the wait alone. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const waiter = deferred<T>();
  const onAbort = () => waiter.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  work.then(waiter.resolve, waiter.reject);
  try {
    return await waiter.promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
