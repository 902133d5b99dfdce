import { nextTimeMs } from "../../../client/rules/cron-next.ts";
import type { CronSchedule } from "../../../client/rules/cron-schedule.ts";
import type { ZoneClock } from "../../../client/rules/time-zone.ts";
import type { CronJob } from "../../../client/types.ts";
import { timeMs } from "../times.ts";

/** When a cron job was due last, and when it is due next. Pure. */

/** A schedule with the zone that it is read in. */
export interface Timetable {
  readonly schedule: CronSchedule;
  readonly clock: ZoneClock;
}

export interface Due {
  /** The last time at or before now; undefined if there was none since the last job. */
  readonly dueMs?: number;
  /** So many were missed that somebody should look. */
  readonly manyMissed: boolean;
  /** From where the next time counts if nothing is due. */
  readonly sinceMs: number;
}

const manyMissed = 100;
/** What the API server's clock may differ from ours. */
const clockSkewMs = 100;

/** Undefined for a schedule that is never due, such as one for the 31st of February. */
export function lastDue(
  cronJob: CronJob,
  { schedule, clock }: Timetable,
  { nowMs, heedsDeadline }: { readonly nowMs: number; readonly heedsDeadline: boolean },
): Due | undefined {
  const { startingDeadlineSeconds: deadline } = cronJob.spec;
  const before = timeMs(cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp);
  const sinceMs =
    heedsDeadline && deadline !== undefined ? Math.max(before, nowMs - deadline * 1000) : before;
  const next = (afterMs: number) => nextTimeMs(schedule, afterMs, clock);
  const first = next(sinceMs);
  const second = first === undefined ? undefined : next(first);
  if (first === undefined || second === undefined) return undefined;
  if (nowMs < first) return { manyMissed: false, sinceMs };
  if (nowMs < second) return { dueMs: first, manyMissed: false, sinceMs };
  // Counted from the distance of the first two, which is near enough; the search then begins two such before now.
  const everyMs = second - first;
  const missed = Math.floor((nowMs - first) / everyMs) + 1;
  let dueMs: number | undefined;
  let time = next(first + (missed - 2) * everyMs);
  while (time !== undefined && time <= nowMs) {
    dueMs = time;
    time = next(time);
  }
  return { ...(dueMs !== undefined && { dueMs }), manyMissed: missed > manyMissed, sinceMs };
}

/** Until the cron job is due next; undefined if never. */
export function nextDueInMs(cronJob: CronJob, timetable: Timetable, nowMs: number): number | undefined {
  const last = lastDue(cronJob, timetable, { nowMs, heedsDeadline: false });
  if (last === undefined) return undefined;
  const next = (afterMs: number) => nextTimeMs(timetable.schedule, afterMs, timetable.clock);
  let dueMs = next(last.dueMs ?? last.sinceMs);
  if (dueMs !== undefined && dueMs <= nowMs) dueMs = next(nowMs);
  return dueMs === undefined ? undefined : dueMs - nowMs + clockSkewMs;
}
