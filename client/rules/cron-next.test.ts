import assert from "node:assert/strict";
import { nextTimeMs } from "./cron-next.ts";
import { readCronSchedule } from "./cron-schedule.ts";
import { ZoneClock } from "./time-zone.ts";

function next(text: string, after: string, zone = "UTC"): string | undefined {
  const read = readCronSchedule(text);
  assert.ok(read.ok);
  const found = nextTimeMs(read.schedule, Date.parse(after), new ZoneClock(zone));
  return found === undefined ? undefined : new Date(found).toISOString().replace(".000Z", "Z");
}

/** Most of these are github.com/robfig/cron/v3's own cases. */
const cases: readonly (readonly [
  text: string,
  after: string,
  expected: string | undefined,
  zone?: string,
])[] = [
  ["0/15 * * * *", "2012-07-09T14:45:00Z", "2012-07-09T15:00:00Z"],
  ["0/15 * * * *", "2012-07-09T14:59:59Z", "2012-07-09T15:00:00Z"],
  ["20-35/15 * * * *", "2012-07-09T15:45:00Z", "2012-07-09T16:20:00Z"],
  ["30 0 9 * *", "2012-07-09T23:35:51Z", "2012-08-09T00:30:00Z"],
  ["0 0 * Feb Mon", "2012-07-09T23:35:00Z", "2013-02-04T00:00:00Z"],
  ["0 0 29 Feb ?", "2012-07-09T23:35:00Z", "2016-02-29T00:00:00Z"],
  ["0 0 30 Feb ?", "2012-07-09T23:35:00Z", undefined],
  ["0 0 31 Apr ?", "2012-07-09T23:35:00Z", undefined],
  // Either day is enough where both are said.
  ["0 0 13 * Fri", "2012-07-09T00:00:00Z", "2012-07-13T00:00:00Z"],
  ["0 0 20 * Fri", "2012-07-14T00:00:00Z", "2012-07-20T00:00:00Z"],
  // A step makes a star a restriction.
  ["0 0 */2 * Tue", "2012-07-09T12:00:00Z", "2012-07-10T00:00:00Z"],
  [", * * * *", "2012-07-09T00:00:00Z", undefined],
  ["@every 1h30m", "2012-07-09T00:00:00.5Z", "2012-07-09T01:30:00Z"],
  ["@weekly", "2012-07-09T00:00:00Z", "2012-07-15T00:00:00Z"],
  ["@yearly", "2012-07-09T00:00:00Z", "2013-01-01T00:00:00Z"],
  ["TZ=America/New_York 0 12 * * *", "2012-07-09T00:00:00Z", "2012-07-09T16:00:00Z"],
  ["0 9 * * *", "2024-01-15T12:00:00Z", "2024-01-16T08:00:00Z", "Europe/Berlin"],
  // Clocks skip 02:30 on the 11th of March.
  ["30 2 11 Mar ?", "2012-03-11T05:00:00Z", "2013-03-11T06:30:00Z", "America/New_York"],
  ["0 * * * *", "2012-03-11T06:00:00Z", "2012-03-11T07:00:00Z", "America/New_York"],
  // They show 01:30 twice on the 4th of November.
  ["30 1 4 Nov ?", "2012-11-04T04:00:00Z", "2012-11-04T05:30:00Z", "America/New_York"],
  ["30 1 4 Nov ?", "2012-11-04T05:45:00Z", "2012-11-04T06:30:00Z", "America/New_York"],
  // São Paulo has no midnight on the 4th of November 2018.
  ["0 0 4 * ?", "2018-11-03T12:00:00Z", "2018-12-04T02:00:00Z", "America/Sao_Paulo"],
];

describe("the next time of a cron schedule", () => {
  for (const [text, after, expected, zone] of cases)
    it(`${text} after ${after}${zone === undefined ? "" : ` in ${zone}`}`, () => {
      assert.equal(next(text, after, zone), expected);
    });
});
