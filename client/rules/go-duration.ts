/** Spans of time as Go writes them: `1h30m`, `1.5s`, `-2m`. */
export type DurationReading =
  | { readonly ok: true; readonly nanoseconds: number }
  | { readonly ok: false; readonly problem: string };

const unitNanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const int64Max = 2 ** 63;

/** Refused in the words of Go's time.ParseDuration. Exact up to 2^53 nanoseconds, which is 104 days. */
export function readGoDuration(text: string): DurationReading {
  const quoted = JSON.stringify(text);
  const problem = (why: string): DurationReading => ({ ok: false, problem: `time: ${why}` });
  const invalid = problem(`invalid duration ${quoted}`);
  const sign = text.startsWith("-") ? -1 : 1;
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return { ok: true, nanoseconds: 0 };
  if (rest === "") return invalid;
  let nanoseconds = 0;
  while (rest !== "") {
    const [number = ""] = /^[0-9]*\.?[0-9]*/.exec(rest) ?? [];
    if (number === "" || number === ".") return invalid;
    rest = rest.slice(number.length);
    const [unit = ""] = /^[^.0-9]*/.exec(rest) ?? [];
    if (unit === "") return problem(`missing unit in duration ${quoted}`);
    const factor = Object.hasOwn(unitNanoseconds, unit) ? unitNanoseconds[unit] : undefined;
    if (factor === undefined) return problem(`unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    nanoseconds += Math.trunc(Number(number) * factor);
    if (nanoseconds >= int64Max) return invalid;
    rest = rest.slice(unit.length);
  }
  return { ok: true, nanoseconds: sign * nanoseconds };
}

/** As Go's Duration.String writes it: `1m30s`, `15.012s`, `250ms`, `0s`. */
export function goDurationText(nanoseconds: number): string {
  const rest = Math.abs(nanoseconds);
  const sign = nanoseconds < 0 ? "-" : "";
  if (rest === 0) return "0s";
  for (const [unit, next] of [
    ["ns", 1e3],
    ["µs", 1e6],
    ["ms", 1e9],
  ] as const)
    if (rest < next) return `${sign}${decimal(rest, next / 1e3)}${unit}`;
  const minutes = Math.floor(rest / 60e9);
  const seconds = `${decimal(rest - minutes * 60e9, 1e9)}s`;
  if (minutes === 0) return sign + seconds;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours === 0 ? "" : `${hours}h`}${minutes % 60}m${seconds}`;
}

/** `count` in units of `unit`, which is a power of ten: exact, without zeros at the end. */
function decimal(count: number, unit: number): string {
  const fraction = String(count % unit).padStart(Math.log10(unit), "0");
  const digits = unit === 1 ? "" : fraction.replace(/0+$/, "");
  return `${Math.floor(count / unit)}${digits === "" ? "" : `.${digits}`}`;
}
