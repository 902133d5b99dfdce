/** What Go's time package says of a text that is no RFC 3339 time; undefined where it is one. Pure. */
export function goTimeError(text: string): string | undefined {
  let rest = text;
  let outOfRange: string | undefined;
  for (const [element, pattern, range] of layout) {
    const match = pattern.exec(rest);
    if (match === null)
      return `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`;
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
const layout: readonly (readonly [element: string, pattern: RegExp, range?: Range])[] = [
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
  ["05", /^\d\d(\.\d+)?/, { name: "second", min: 0, max: 59.999999999 }],
  ["Z07:00", /^(Z|[+-]\d\d:\d\d)/],
];

function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split("-").map(Number);
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
