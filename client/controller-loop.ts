import { AssertionError } from "../base/assert.ts";
import type { Clock } from "../base/os/clock.ts";
import type { Log } from "../base/os/log.ts";
import { ConnectionError, isConflict } from "./api-error.ts";
import type { LoopMetrics } from "./loop-metrics.ts";
import type { WorkQueue } from "./work-queue.ts";

export interface ControllerOptions {
  /** In logs and metrics, such as `replicaset`. */
  readonly name: string;
  /** How many keys are worked on at once. */
  readonly workers: number;
  readonly queue: WorkQueue;
  /** Brings the world closer to what is wanted for one key, reading caches and writing the API. Called again after a
   *  back-off when it rejects, and after `requeueAfterMs` when it asks for that. Level-triggered: it must not care why
   *  it was called, and must cope with being cut off anywhere. */
  readonly sync: (key: string, signal: AbortSignal) => Promise<SyncResult>;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics?: LoopMetrics;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a sync that has nothing to say returns nothing
export type SyncResult = { readonly requeueAfterMs?: number | undefined } | undefined | void;

/** The one loop of every controller. Resolves when the signal aborted and no sync is running; rejects only with a
 *  broken invariant (AssertionError), which is ours and stops the component. */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const workers = Array.from({ length: options.workers }, () => work(options, signal));
  options.metrics?.queues.set(options.queue, options.name);
  try {
    await Promise.all(workers);
  } finally {
    options.metrics?.queues.delete(options.queue);
    options.queue.close();
    await Promise.allSettled(workers);
  }
}

async function work(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { queue } = options;
  while (!signal.aborted) {
    let key: string;
    try {
      key = await queue.take(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    try {
      await syncOnce(options, key, signal);
    } finally {
      queue.done(key);
    }
  }
}

async function syncOnce(options: ControllerOptions, key: string, signal: AbortSignal): Promise<void> {
  const { name, queue, clock, metrics } = options;
  const startedMs = clock.monotonicMs();
  try {
    const result = await options.sync(key, signal);
    queue.forget(key);
    const afterMs = result?.requeueAfterMs;
    if (afterMs !== undefined) queue.addAfter(key, afterMs);
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    if (signal.aborted) return;
    queue.addRateLimited(key);
    metrics?.retries.inc({ name });
    report(options, key, error);
  } finally {
    metrics?.workSeconds.observe({ name }, (clock.monotonicMs() - startedMs) / 1000);
  }
}

/** Conflicts and lost connections are part of normal life and mend themselves; anything else is worth a look. */
function report({ log, queue }: ControllerOptions, key: string, error: unknown): void {
  const failures = queue.failures(key);
  const ordinary = isConflict(error) || error instanceof ConnectionError;
  if (ordinary && failures < 5) log.debug("sync will be tried again", { key, failures, error });
  else log.warn("sync failed", { key, failures, error });
}
