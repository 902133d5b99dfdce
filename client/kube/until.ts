import { notPromised } from "../../base/not-promised.ts";
import type { Within } from "../../base/os/within.ts";
import { Informer } from "../informer.ts";
import { keyOfRef, type Stored } from "../object-cache.ts";
import type { ReflectorDeps } from "../reflector.ts";
import type { Ref } from "../types.ts";
import type { Kind } from "./define-kind.ts";
import { endingAtFirstRefusal, refusalOf } from "./first-refusal.ts";

export interface UntilOptions {
  readonly signal?: AbortSignal | undefined;
  /** 60 s by default. */
  readonly timeoutMs?: number;
}

export interface UntilDeps extends ReflectorDeps {
  readonly within: Within;
  /** Ends the wait, too. */
  readonly closed: AbortSignal;
}

/** Follows one object until `holds` is true of it; `undefined` stands for an object that is not there. Gives what it was true of.
 *  It is a watch: nobody polls. What the server told before a cut is not looked at again, only what it tells after. */
export function untilObject<T extends Stored>(
  kind: Kind<T>,
  ref: Ref,
  holds: (object: T | undefined) => boolean,
  { signal, timeoutMs = 60_000 }: UntilOptions,
  { within, closed, ...deps }: UntilDeps,
): Promise<T | undefined> {
  const key = keyOfRef(ref);
  const what = `${kind.kind} ${key} as wanted`;
  const find = (objects: Informer<T>) => {
    const object = objects.getByKey(key);
    return notPromised(holds(object), "holds") && { object };
  };
  const follow = async (ending: AbortSignal) => {
    const client = endingAtFirstRefusal(deps.client, () => objects.hasSynced);
    const scope = { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` };
    const objects: Informer<T> = new Informer(kind, scope, { ...deps, client });
    const following = new AbortController();
    const end = () => following.abort(ending.reason);
    ending.addEventListener("abort", end, { once: true });
    const running = objects.run(following.signal);
    running.catch((error: unknown) => following.abort(refusalOf(error)));
    try {
      return (await objects.until(find, following.signal)).object;
    } finally {
      ending.removeEventListener("abort", end);
      following.abort(new Error("no longer waited for"));
      await running.catch(() => undefined); // it was told above, or nobody waits
    }
  };
  const signals = signal === undefined ? [closed] : [closed, signal];
  return within(follow, { timeoutMs, what, signals });
}
