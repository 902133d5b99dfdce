import type { Deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";

const waitMsLeast = 10;

/** Resolves once the bell rings, which it does by itself at `wakeAtMs` of the wall clock. */
export async function rung(bell: Deferred<void>, wakeAtMs: number | undefined, clock: Clock): Promise<void> {
  const waitMs = wakeAtMs === undefined ? undefined : Math.max(waitMsLeast, wakeAtMs - clock.wallMs());
  const cancel = waitMs === undefined ? undefined : clock.after(waitMs, () => bell.resolve());
  await bell.promise;
  cancel?.();
}
