import { type DurationReading, readGoDuration } from "./go-duration.ts";
import { isTimeZone } from "./time-zone.ts";

/** When something is due: the syntax of CronJob's `spec.schedule`, which is that of github.com/robfig/cron/v3, to the letter
 *  of its refusals. When it is due next says cron-next.ts. */
export type CronSchedule =
  /** Again and again, so long after the last time. */
  | { readonly type: "every"; readonly seconds: number }
  | {
      readonly type: "calendar";
      readonly minutes: ReadonlySet<number>;
      readonly hours: ReadonlySet<number>;
      readonly daysOfMonth: ReadonlySet<number>;
      readonly months: ReadonlySet<number>;
      /** 0 is Sunday. */
      readonly daysOfWeek: ReadonlySet<number>;
      /** One of the two sorts of days is left open, so a day must be of both; otherwise one of them is enough. */
      readonly dayIsOpen: boolean;
      /** From a `TZ=` before the fields. */
      readonly timeZone?: string;
    };

export type CronReading =
  | { readonly ok: true; readonly schedule: CronSchedule }
  | { readonly ok: false; readonly problem: string };

/** Carries a problem out of the parts of a field. */
class CronProblem extends Error {
  override readonly name = "CronProblem";
}

export function readCronSchedule(text: string): CronReading {
  try {
    return { ok: true, schedule: parse(text) };
  } catch (error) {
    if (!(error instanceof CronProblem)) throw error;
    return { ok: false, problem: error.message };
  }
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}
const bounds = {
  minute: { least: 0, most: 59 },
  hour: { least: 0, most: 23 },
  dayOfMonth: { least: 1, most: 31 },
  month: {
    least: 1,
    most: 12,
    names: ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  },
  dayOfWeek: { least: 0, most: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
} as const satisfies Record<string, Bounds>;

function parse(text: string): CronSchedule {
  if (text === "") throw new CronProblem("empty spec string");
  const { timeZone, rest } = withoutZone(text);
  const zone = timeZone === undefined ? {} : { timeZone };
  if (rest.startsWith("@")) return described(rest, zone);
  const fields = rest.split(/\s+/).filter((field) => field !== "");
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields;
  if (
    fields.length !== 5 ||
    minute === undefined ||
    hour === undefined ||
    dayOfMonth === undefined ||
    month === undefined ||
    dayOfWeek === undefined
  )
    throw new CronProblem(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  const minutes = readField(minute, bounds.minute).values;
  const hours = readField(hour, bounds.hour).values;
  const days = readField(dayOfMonth, bounds.dayOfMonth);
  const months = readField(month, bounds.month).values;
  const weekdays = readField(dayOfWeek, bounds.dayOfWeek);
  return {
    type: "calendar",
    minutes,
    hours,
    daysOfMonth: days.values,
    months,
    daysOfWeek: weekdays.values,
    dayIsOpen: days.isOpen || weekdays.isOpen,
    ...zone,
  };
}

function withoutZone(text: string): { readonly timeZone?: string; readonly rest: string } {
  if (!text.startsWith("TZ=") && !text.startsWith("CRON_TZ=")) return { rest: text };
  const end = text.indexOf(" ");
  // What Go says of a slice that ends before its begin.
  if (end < 0)
    throw new CronProblem("invalid schedule format: runtime error: slice bounds out of range [:-1]");
  const timeZone = text.slice(text.indexOf("=") + 1, end);
  if (timeZone !== "" && timeZone !== "Local" && !isTimeZone(timeZone))
    throw new CronProblem(`provided bad location ${timeZone}: unknown time zone ${timeZone}`);
  const rest = text.slice(end).trim();
  return timeZone === "Local" ? { rest } : { timeZone: timeZone || "UTC", rest };
}

const every = "@every ";
const descriptors: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

function described(text: string, zone: { readonly timeZone?: string }): CronSchedule {
  const fields = Object.hasOwn(descriptors, text) ? descriptors[text] : undefined;
  if (fields !== undefined) return { ...parse(fields), ...zone };
  if (!text.startsWith(every)) throw new CronProblem(`unrecognized descriptor: ${text}`);
  const read: DurationReading = readGoDuration(text.slice(every.length));
  if (!read.ok) throw new CronProblem(`failed to parse duration ${text}: ${read.problem}`);
  return { type: "every", seconds: Math.max(1, Math.floor(read.nanoseconds / 1e9)) };
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** `*` or `?` stands in it. */
  readonly isOpen: boolean;
}

/** Ranges with commas between them. Not one is no value at all, and a schedule that is never due. */
function readField(text: string, within: Bounds): Field {
  const ranges = text.split(",").filter((range) => range !== "");
  const read = ranges.map((range) => readRange(range, within));
  return {
    values: new Set(read.flatMap(({ values }) => [...values])),
    isOpen: read.some(({ isOpen }) => isOpen),
  };
}

/** `3`, `3-5`, `3-5/2`, `3/2` (from 3 on), `*`, `?`, `*` with a step. */
function readRange(text: string, within: Bounds): Field {
  const [span = "", ...steps] = text.split("/");
  const [low = "", ...highs] = span.split("-");
  const open = low === "*" || low === "?";
  const start = open ? within.least : readNumber(low, within);
  if (!open && highs.length > 1) throw new CronProblem(`too many hyphens: ${text}`);
  let end = open ? within.most : highs[0] === undefined ? start : readNumber(highs[0], within);
  if (steps.length > 1) throw new CronProblem(`too many slashes: ${text}`);
  const step = steps[0] === undefined ? 1 : readWhole(steps[0]);
  if (steps[0] !== undefined && highs.length === 0) end = within.most;
  if (start < within.least)
    throw new CronProblem(`beginning of range (${start}) below minimum (${within.least}): ${text}`);
  if (end > within.most)
    throw new CronProblem(`end of range (${end}) above maximum (${within.most}): ${text}`);
  if (start > end)
    throw new CronProblem(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new CronProblem(`step of range should be a positive number: ${text}`);
  const values = new Set<number>();
  for (let value = start; value <= end; value += step) values.add(value);
  return { values, isOpen: open && step === 1 };
}

function readNumber(text: string, { names = [] }: Bounds): number {
  const named = text === "" ? -1 : names.indexOf(text.toLowerCase());
  return named >= 0 ? named : readWhole(text);
}

const int64Max = 2n ** 63n - 1n;

function readWhole(text: string): number {
  const problem = (why: string) =>
    new CronProblem(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: ${why}`,
    );
  if (!/^[+-]?[0-9]+$/.test(text)) throw problem("invalid syntax");
  const value = BigInt(text.replace("+", ""));
  if (value > int64Max || value < -int64Max - 1n) throw problem("value out of range");
  if (value < 0n) throw new CronProblem(`negative number (${value}) not allowed: ${text}`);
  return Number(value);
}
