import { deferred } from "../../base/deferred.ts";
import { keyOfRef, ObjectCache, type Stored } from "../object-cache.ts";
import { type ReflectorDeps, reflect } from "../reflector.ts";
import type { Ref } from "../types.ts";
import type { Kind } from "./define-kind.ts";
import { endingAtFirstRefusal, refusalOf } from "./first-refusal.ts";

export interface UntilOptions {
  readonly signal?: AbortSignal | undefined;
  /** 60 s by default. */
  readonly timeoutMs?: number;
}

/** What was waited for did not come in time. */
export class WaitTimeoutError extends Error {
  override readonly name = "WaitTimeoutError";
}

/** Follows one object until `holds` is true of it; `undefined` stands for an object that is not there. Gives what it was true of.
 *  It is a watch: nobody polls. What the server told before a cut is not looked at again, only what it tells after.
 *  @param closed Ends it with its reason. */
export async function untilObject<T extends Stored>(
  kind: Kind<T>,
  ref: Ref,
  holds: (object: T | undefined) => boolean,
  { signal, timeoutMs = 60_000 }: UntilOptions,
  deps: ReflectorDeps,
  closed?: AbortSignal,
): Promise<T | undefined> {
  signal?.throwIfAborted();
  closed?.throwIfAborted();
  const key = keyOfRef(ref);
  const cache = new ObjectCache<T>();
  const found = deferred<T | undefined>();
  const following = new AbortController();
  let hasSynced = false;
  const look = () => {
    if (!hasSynced) return;
    try {
      const object = cache.get(key);
      if (holds(object)) found.resolve(object);
    } catch (error) {
      found.reject(error);
    }
  };
  cache.subscribe({ onAdd: look, onUpdate: look, onDelete: look });
  const abort = () => found.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const end = () => found.reject(closed?.reason);
  closed?.addEventListener("abort", end, { once: true });
  const cancel = deps.clock.after(timeoutMs, () =>
    found.reject(
      new WaitTimeoutError(`${kind.kind} ${key}: what was waited for did not come within ${timeoutMs} ms`),
    ),
  );
  const scope = { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` };
  const client = endingAtFirstRefusal(deps.client, () => hasSynced);
  const onSynced = () => {
    hasSynced = true;
    look();
  };
  const reflected = reflect(kind, scope, cache, { ...deps, client }, { signal: following.signal, onSynced });
  reflected.catch((error: unknown) => found.reject(refusalOf(error)));
  try {
    return await found.promise;
  } finally {
    cancel();
    signal?.removeEventListener("abort", abort);
    closed?.removeEventListener("abort", end);
    following.abort(new Error("no longer waited for"));
    await reflected.catch(() => undefined); // it was told above, or nobody waits
  }
}
