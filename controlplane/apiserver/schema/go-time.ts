/** What Go's time package says of a text that is no RFC 3339 time; undefined where it is one. Pure.
 *  @param precision "micro": exactly six digits stand for the fraction of the second, as Kubernetes' MicroTime has it. */
export function goTimeError(text: string, precision: "any" | "micro" = "any"): string | undefined {
  let rest = text;
  let outOfRange: string | undefined;
  const layout = layouts[precision];
  const wanted = layout.map(([element]) => element).join("");
  for (const [element, pattern, range] of layout) {
    const match = pattern.exec(rest);
    if (match === null)
      return `parsing time ${JSON.stringify(text)} as "${wanted}": cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`;
    rest = rest.slice(match[0].length);
    if (range !== undefined) {
      const value = Number(match[0]);
      if (value < range.min || value > range.max) outOfRange ??= range.name;
    }
  }
  if (rest !== "") return `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`;
  // The day is looked at last, since it takes the month to know how many there are.
  if (outOfRange === undefined && !isDay(text)) outOfRange = "day";
  return outOfRange === undefined
    ? undefined
    : `parsing time ${JSON.stringify(text)}: ${outOfRange} out of range`;
}

interface Range {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}
const two = /^\d\d/;
type Layout = readonly (readonly [element: string, pattern: RegExp, range?: Range])[];
const second = { name: "second", min: 0, max: 59.999999999 };
const toTheMinute: Layout = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", two, { name: "month", min: 1, max: 12 }],
  ["-", /^-/],
  ["02", two],
  ["T", /^T/],
  ["15", two, { name: "hour", min: 0, max: 23 }],
  [":", /^:/],
  ["04", two, { name: "minute", min: 0, max: 59 }],
  [":", /^:/],
];
const zone = ["Z07:00", /^(Z|[+-]\d\d:\d\d)/] as const;
const layouts: Readonly<Record<"any" | "micro", Layout>> = {
  any: [...toTheMinute, ["05", /^\d\d(\.\d+)?/, second], zone],
  micro: [...toTheMinute, ["05", two, second], [".000000", /^[.,]\d{6}/], zone],
};

function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split("-").map(Number);
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** A time as Kubernetes writes it: in UTC, to the second or to the microsecond; a text that is none as it is. Pure. */
export function writtenTime(text: string, precision: "seconds" | "micro"): string {
  const isMicro = precision === "micro";
  if (text.length === (isMicro ? 27 : 20) && text.endsWith("Z") && !text.includes(",")) return text;
  const at = new Date(text.replace(",", "."));
  if (Number.isNaN(at.getTime())) return text;
  const utc = at.toISOString();
  if (!isMicro) return `${utc.slice(0, -5)}Z`;
  const digits = /[.,](\d{6})/.exec(text)?.[1] ?? "000000";
  return `${utc.slice(0, -5)}.${digits}Z`;
}
