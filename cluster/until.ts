import { type Duration, durationMs } from "../base/duration.ts";
import type { Within } from "../base/os/within.ts";
import type { InformerFactory } from "../client/informer.ts";
import type { Kind } from "../client/kube/define-kind.ts";
import type { Stored } from "../client/object-cache.ts";

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
  readonly within: Within;
}

/** Resolves with what `find` finds among all objects of a kind, as soon as a change makes it find something: nobody polls. Rejects
 *  with TimeoutError, or with what `find` throws. */
export async function until<T extends Stored, R>(
  kind: Kind<T>,
  find: (objects: readonly T[]) => R | undefined | false | null,
  { namespace, timeout = "30s", what = `${kind.plural} as wanted` }: UntilOptions,
  { informers, within }: UntilDeps,
): Promise<R> {
  const timeoutMs = durationMs(timeout);
  const informer = informers.informer(kind, namespace === undefined ? {} : { namespace });
  return within((signal) => informer.until((objects) => find(objects.list()), signal), { timeoutMs, what });
}

/** The same bound, which ends when the cluster stops, too. */
export function untilStopped(within: Within, stopped: AbortSignal): Within {
  return async (work, limit) => {
    try {
      return await within(work, { ...limit, signals: [...(limit.signals ?? []), stopped] });
    } catch (error) {
      throw error === stopped.reason ? new Error(`${limit.what}: the cluster was stopped`) : error;
    }
  };
}
