import { deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Informer } from "../../client/informer.ts";
import type { KubeObject } from "../../client/types.ts";

export interface WaitOptions<T extends KubeObject> {
  /** Whose changes are looked at. */
  readonly informer: Pick<Informer<T>, "subscribe">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What is said when it took longer. */
  readonly late: () => Error;
}

/** Looks now and after each change until the answer is true. Rejects with what looking throws, with `late`, or with the
 *  signal's reason. */
export async function waitUntil<T extends KubeObject>(
  isDone: () => boolean,
  { informer, clock, signal, timeoutMs, late }: WaitOptions<T>,
): Promise<void> {
  const done = deferred<void>();
  const look = () => {
    try {
      if (isDone()) done.resolve();
    } catch (error) {
      done.reject(error);
    }
  };
  const stop = () => done.reject(signal.reason);
  const cancel = clock.after(timeoutMs, () => done.reject(late()));
  signal.addEventListener("abort", stop, { once: true });
  const off = informer.subscribe({ onAdd: look, onUpdate: look, onDelete: look });
  try {
    if (signal.aborted) stop();
    look();
    await done.promise;
  } finally {
    off();
    cancel();
    signal.removeEventListener("abort", stop);
  }
}
