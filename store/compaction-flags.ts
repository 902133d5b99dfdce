import { parseGoDurationMs } from "../base/os/flags.ts";
import type { AutoCompaction } from "./propose/compaction-plan.ts";

/** What --auto-compaction-mode and --auto-compaction-retention ask for; undefined: nothing. A number alone counts hours, or
 *  revisions. Throws with the flag and the rule that is broken. */
export function autoCompactionOf(mode: string, retention: string): AutoCompaction | undefined {
  if (mode !== "periodic" && mode !== "revision")
    throw new Error(`--auto-compaction-mode: "${mode}" must be periodic or revision`);
  const count = /^\d+$/.test(retention) ? Number(retention) : undefined;
  if (mode === "revision") {
    if (count === undefined || !Number.isSafeInteger(count))
      throw new Error(`--auto-compaction-retention: "${retention}" must be a number of revisions to keep`);
    return count === 0 ? undefined : { mode, revisions: count };
  }
  const periodMs = count === undefined ? parseGoDurationMs(retention) : count * 3_600_000;
  if (
    periodMs === undefined ||
    (periodMs !== 0 && periodMs < 10) ||
    !Number.isSafeInteger(Math.ceil(periodMs))
  )
    throw new Error(
      `--auto-compaction-retention: "${retention}" must be a duration such as "5m" or "1h30m", or a number of hours`,
    );
  return periodMs === 0 ? undefined : { mode, periodMs };
}
