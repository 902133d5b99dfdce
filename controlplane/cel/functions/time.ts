import { fn, method, type Overload } from "../environment.ts";
import { types } from "../types.ts";
import { CelError, Duration, type Timestamp, type Value } from "../values.ts";
import { asTimestamp } from "./operators.ts";

/** Times, lengths of time, and what stands in them. */

const { int, string, duration, timestamp } = types;

const unitNanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** As Go's time.ParseDuration. */
export function parseDuration(text: string): Duration {
  const bad = () => new CelError(`time: invalid duration ${JSON.stringify(text)}`);
  const [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return new Duration(0n);
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) throw bad();
  let total = 0n;
  for (const [, whole = "", part = "", unit = ""] of rest.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = unitNanoseconds[unit] ?? 0n;
    total += BigInt(whole || "0") * scale;
    const digits = part.slice(0, 18);
    if (digits !== "") total += (BigInt(digits) * scale) / 10n ** BigInt(digits.length);
  }
  if (BigInt.asIntN(64, total) !== total) throw bad();
  return new Duration(sign === "-" ? -total : total);
}

/** As cel-go: seconds, with as many digits as there are. */
export function durationText({ nanoseconds }: Duration): string {
  const sign = nanoseconds < 0n ? "-" : "";
  const positive = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const part = String(positive % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${sign}${positive / 1_000_000_000n}${part === "" ? "" : `.${part}`}s`;
}

/** RFC 3339, to the nanosecond. */
export function parseTimestamp(text: string): Timestamp {
  const [, head = "", part = "", zone = ""] =
    /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/.exec(text) ?? [];
  const milliseconds = head === "" ? Number.NaN : Date.parse(`${head}${zone}`);
  const day = Number(head.slice(8, 10));
  const lastDay = new Date(Date.UTC(Number(head.slice(0, 4)), Number(head.slice(5, 7)), 0)).getUTCDate();
  if (Number.isNaN(milliseconds) || day > lastDay)
    throw new CelError(
      `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
    );
  const nanoseconds = BigInt(part.slice(0, 9).padEnd(9, "0"));
  return asTimestamp(BigInt(milliseconds) * 1_000_000n + nanoseconds);
}

export function timestampText({ nanoseconds }: Timestamp): string {
  const { milliseconds, rest } = split(nanoseconds);
  const part = String(rest).padStart(9, "0").replace(/0+$/, "");
  const head = new Date(milliseconds).toISOString().slice(0, 19);
  return `${head}${part === "" ? "" : `.${part}`}Z`;
}

function split(nanoseconds: bigint): { readonly milliseconds: number; readonly rest: bigint } {
  const rest = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { milliseconds: Number((nanoseconds - rest) / 1_000_000n), rest };
}

/** The time as clocks in a zone show it, in UTC's fields. */
function local(time: Timestamp, zone: string | undefined): Date {
  const { milliseconds } = split(time.nanoseconds);
  if (zone === undefined || zone === "" || zone === "UTC") return new Date(milliseconds);
  const [, sign, hours, minutes] = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone) ?? [];
  if (hours !== undefined && minutes !== undefined) {
    const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
    return new Date(milliseconds + (sign === "-" ? -offset : offset));
  }
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    const parts = new Map(format.formatToParts(milliseconds).map(({ type, value }) => [type, Number(value)]));
    const get = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    return new Date(
      Date.UTC(get("year"), get("month") - 1, get("day"), get("hour"), get("minute"), get("second")),
    );
  } catch {
    throw new CelError(`unknown time zone ${zone}`);
  }
}

const dayMs = 86_400_000;
const fields: readonly [name: string, read: (date: Date, nanoseconds: bigint) => number][] = [
  ["getFullYear", (date) => date.getUTCFullYear()],
  ["getMonth", (date) => date.getUTCMonth()],
  ["getDate", (date) => date.getUTCDate()],
  ["getDayOfMonth", (date) => date.getUTCDate() - 1],
  ["getDayOfWeek", (date) => date.getUTCDay()],
  ["getDayOfYear", (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / dayMs)],
  ["getHours", (date) => date.getUTCHours()],
  ["getMinutes", (date) => date.getUTCMinutes()],
  ["getSeconds", (date) => date.getUTCSeconds()],
  ["getMilliseconds", (_, nanoseconds) => Number(split(nanoseconds).rest / 1_000_000n)],
];

const lengths: readonly [name: string, unit: bigint][] = [
  ["getHours", 3_600_000_000_000n],
  ["getMinutes", 60_000_000_000n],
  ["getSeconds", 1_000_000_000n],
  ["getMilliseconds", 1_000_000n],
];

const read =
  (field: (date: Date, nanoseconds: bigint) => number) =>
  ([time, zone]: readonly Value[]) => {
    const at = time as Timestamp;
    return BigInt(field(local(at, zone as string | undefined), at.nanoseconds));
  };

export const timeFunctions: readonly Overload[] = [
  ...fields.flatMap(([name, field]) => [
    method(name, [timestamp], int, read(field)),
    method(name, [timestamp, string], int, read(field)),
  ]),
  ...lengths.map(([name, unit]) =>
    method(name, [duration], int, ([length]) => (length as Duration).nanoseconds / unit),
  ),
  fn("duration", [string], duration, ([text]) => parseDuration(text as string)),
  fn("duration", [duration], duration, ([length = null]) => length),
  fn("timestamp", [string], timestamp, ([text]) => parseTimestamp(text as string)),
  fn("timestamp", [timestamp], timestamp, ([time = null]) => time),
  fn("timestamp", [int], timestamp, ([seconds]) => asTimestamp((seconds as bigint) * 1_000_000_000n)),
];
