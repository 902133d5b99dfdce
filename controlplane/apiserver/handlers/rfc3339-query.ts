/** The parts of a time in RFC 3339 as Go's layout names them, with what each may look like. */
const parts: readonly (readonly [layout: string, pattern: RegExp])[] = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", /^\d\d/],
  ["-", /^-/],
  ["02", /^\d\d/],
  ["T", /^T/],
  ["15", /^\d\d?/],
  [":", /^:/],
  ["04", /^\d\d/],
  [":", /^:/],
  ["05", /^\d\d([.,]\d+)?/],
  ["Z07:00", /^(Z|[+-]\d\d:\d\d)/],
];

/** What Go's time.Parse says is wrong with a time in RFC 3339; undefined if nothing is. Pure. */
export function parseRfc3339(text: string): string | undefined {
  const quoted = JSON.stringify(text);
  const found: string[] = [];
  let rest = text;
  for (const [layout, pattern] of parts) {
    const [part] = pattern.exec(rest) ?? [];
    if (part === undefined)
      return `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(layout)}`;
    found.push(part);
    rest = rest.slice(part.length);
  }
  if (rest !== "") return `parsing time ${quoted}: extra text: ${JSON.stringify(rest)}`;
  const [year = 0, , month = 0, , day = 0, , hour = 0, , minute = 0, , second = 0] = found.map((part) =>
    Math.trunc(Number(part.replace(",", "."))),
  );
  const outOfRange = (what: string) => `parsing time ${quoted}: ${what} out of range`;
  if (month < 1 || month > 12) return outOfRange("month");
  if (hour > 23) return outOfRange("hour");
  if (minute > 59) return outOfRange("minute");
  if (second > 59) return outOfRange("second");
  if (day < 1 || day > new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate())
    return outOfRange("day");
  return undefined;
}
