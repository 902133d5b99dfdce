import { type Duration, durationMs } from "../base/duration.ts";
import { systemClock } from "../base/os/clock.ts";
import type { TaskScope } from "../base/os/task-scope.ts";
import type { InformerFactory } from "../client/informer.ts";
import type { Stored } from "../client/object-cache.ts";
import type { Resource } from "../client/types.ts";
import type { MovableClock } from "./cluster-clock.ts";

export interface UntilOptions {
  /** Only objects of this namespace. */
  readonly namespace?: string;
  /** How long to wait at most, by the cluster's clock where it stands still, else by the machine's; `"30s"` unless said. */
  readonly timeout?: Duration;
  /** What is waited for, for the error's text. */
  readonly what?: string;
}

export interface UntilDeps {
  readonly informers: InformerFactory;
  readonly clock: MovableClock;
  readonly tasks: TaskScope;
  readonly isManual: boolean;
}

/** It did not come about in time. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** Resolves with what `find` finds among all objects of a kind, as soon as a change makes it find something: nobody polls. A clock
 *  that stands still is moved from one timer to the next meanwhile. Rejects with TimeoutError, or with what `find` throws. */
export function until<T extends Stored, R>(
  resource: Resource<T>,
  find: (objects: readonly T[]) => R | undefined | false | null,
  { namespace, timeout = "30s", what = `${resource.plural} as wanted` }: UntilOptions,
  { informers, clock, tasks, isManual }: UntilDeps,
): Promise<R> {
  const timeoutMs = durationMs(timeout);
  const informer = informers.informer(resource, namespace === undefined ? {} : { namespace });
  return new Promise<R>((resolve, reject) => {
    let isDone = false;
    let unsubscribe = () => {};
    let cancel = () => {};
    const finish = (settle: () => void) => {
      if (isDone) return;
      isDone = true;
      unsubscribe();
      cancel();
      tasks.signal.removeEventListener("abort", onStop);
      settle();
    };
    const onStop = () => finish(() => reject(new Error(`${what}: the cluster was stopped`)));
    const look = () => {
      if (isDone || !informer.hasSynced) return;
      try {
        const found = find(informer.list());
        if (found !== undefined && found !== false && found !== null) finish(() => resolve(found));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const late = () => finish(() => reject(new TimeoutError(`${what}: not within ${timeoutMs / 1000} s`)));
    tasks.signal.addEventListener("abort", onStop);
    if (tasks.signal.aborted) return onStop();
    unsubscribe = informer.subscribe({ onAdd: look, onUpdate: look, onDelete: look });
    informer.synced(tasks.signal).then(look, () => undefined); // it ends with the cluster
    if (isDone) unsubscribe();
    else if (isManual)
      clock.advanceUntil(() => isDone, timeoutMs).then(late, (error) => finish(() => reject(error)));
    else cancel = systemClock.after(timeoutMs, late);
  });
}
