import type { CronSchedule } from "./cron-schedule.ts";
import { type CalendarTime, ZoneClock } from "./time-zone.ts";

type Calendar = CronSchedule & { readonly type: "calendar" };

/** Nothing within so many years is never. */
const yearsMax = 5;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** The first time after `afterMs` at which the schedule is due; undefined if there is none within five years. Steps as
 *  github.com/robfig/cron/v3 does, so that hours that clocks skip or show twice come out the same.
 *  @param clock Of the zone that the schedule is read in, unless it names its own. */
export function nextTimeMs(schedule: CronSchedule, afterMs: number, clock: ZoneClock): number | undefined {
  const wholeMs = Math.floor(afterMs / 1000) * 1000;
  if (schedule.type === "every") return wholeMs + schedule.seconds * 1000;
  const own = schedule.timeZone === undefined ? clock : new ZoneClock(schedule.timeZone);
  return nextCalendarMs(schedule, wholeMs + 1000, own);
}

function nextCalendarMs(schedule: Calendar, fromMs: number, clock: ZoneClock): number | undefined {
  // A field with commas only has no value.
  if ([schedule.minutes, schedule.hours, schedule.months].some(({ size }) => size === 0)) return undefined;
  const yearMax = clock.at(fromMs).year + yearsMax;
  // Once a part was moved on, all smaller ones begin anew.
  const search = { timeMs: fromMs, moved: false };
  while (clock.at(search.timeMs).year <= yearMax)
    if (
      toMonth(schedule, search, clock) &&
      toDay(schedule, search, clock) &&
      toHour(schedule, search, clock) &&
      toMinute(schedule, search, clock)
    )
      return search.timeMs;
  return undefined;
}

interface Search {
  timeMs: number;
  moved: boolean;
}

/** Each step says false when it ran into the next larger part, which is then to be looked at again. */
function toMonth({ months }: Calendar, search: Search, clock: ZoneClock): boolean {
  for (let at = clock.at(search.timeMs); !months.has(at.month); at = clock.at(search.timeMs)) {
    const day = search.moved ? at.day : 1;
    search.timeMs = clock.epochMs(at.year, at.month + 1, day);
    search.moved = true;
    if (clock.at(search.timeMs).month === 1) return false;
  }
  return true;
}

function toDay(schedule: Calendar, search: Search, clock: ZoneClock): boolean {
  for (let at = clock.at(search.timeMs); !isDay(schedule, at); at = clock.at(search.timeMs)) {
    const hour = search.moved ? at.hour : 0;
    search.timeMs = clock.epochMs(at.year, at.month, at.day + 1, hour);
    search.moved = true;
    // Where clocks skip midnight, the day begins beside it.
    const shown = clock.at(search.timeMs).hour;
    if (shown !== 0) search.timeMs += (shown > 12 ? 24 - shown : -shown) * hourMs;
    if (clock.at(search.timeMs).day === 1) return false;
  }
  return true;
}

function isDay(schedule: Calendar, at: CalendarTime): boolean {
  const ofMonth = schedule.daysOfMonth.has(at.day);
  const ofWeek = schedule.daysOfWeek.has(new Date(Date.UTC(at.year, at.month - 1, at.day)).getUTCDay());
  return schedule.dayIsOpen ? ofMonth && ofWeek : ofMonth || ofWeek;
}

function toHour({ hours }: Calendar, search: Search, clock: ZoneClock): boolean {
  for (let at = clock.at(search.timeMs); !hours.has(at.hour); at = clock.at(search.timeMs)) {
    if (!search.moved) search.timeMs = clock.epochMs(at.year, at.month, at.day, at.hour);
    search.moved = true;
    search.timeMs += hourMs;
    if (clock.at(search.timeMs).hour === 0) return false;
  }
  return true;
}

function toMinute({ minutes }: Calendar, search: Search, clock: ZoneClock): boolean {
  const isFit = ({ minute, second }: CalendarTime) => minutes.has(minute) && second === 0;
  for (let at = clock.at(search.timeMs); !isFit(at); at = clock.at(search.timeMs)) {
    search.timeMs = Math.floor(search.timeMs / minuteMs) * minuteMs + minuteMs;
    search.moved = true;
    if (clock.at(search.timeMs).minute === 0) return false;
  }
  return true;
}
