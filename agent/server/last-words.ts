import type { Clock } from "../../base/os/clock.ts";
import { spdyLimits } from "./spdy/connection.ts";

/** How long a client may take nothing of what its process said before it ended: whoever pages through it reads on when they
 *  like. As long as a connection of SPDY may idle. */
export const lastWordsMs = spdyLimits.idleMs;

/** Calls `end` once a client has taken nothing more for that long. The returned function ends the watching (idempotent).
 *  @param taken How much has left, in whatever unit. */
export function endUnlessTaking(clock: Clock, taken: () => number, end: () => void): () => void {
  const watch = (before: number) =>
    clock.after(lastWordsMs, () => {
      const now = taken();
      if (now === before) return end();
      cancel = watch(now);
    });
  let cancel = watch(taken());
  return () => cancel();
}
