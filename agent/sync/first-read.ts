import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Informer } from "../../client/informer.ts";
import type { Stored } from "../../client/object-cache.ts";
import { ConfigError } from "./environment.ts";

export const followLimits = { firstReadMs: 10_000 } as const;

/** Waits until what is followed was read for the first time. Rejects with ConfigError where that takes too long, or with the
 *  signal's reason. */
export async function firstRead<T extends Stored>(
  informer: Pick<Informer<T>, "hasSynced" | "synced">,
  what: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  if (informer.hasSynced) return;
  const waited = new AbortController();
  const late = sleep(clock, followLimits.firstReadMs, waited.signal).then(
    () => waited.abort(new ConfigError(`cannot read ${what}: timed out waiting for it`)),
    () => undefined, // it was read in time
  );
  const onStop = () => waited.abort(signal.reason);
  signal.addEventListener("abort", onStop, { once: true });
  try {
    await informer.synced(waited.signal);
  } finally {
    signal.removeEventListener("abort", onStop);
    waited.abort();
    await late;
  }
}
