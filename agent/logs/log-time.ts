/** Times of log lines, read from bytes as they lie in a file: microseconds since 1970, exact as numbers until 2255. Pure. */

const dash = 0x2d;
const dot = 0x2e;
const plus = 0x2b;
const bigT = 0x54;
const bigZ = 0x5a;
const colon = 0x3a;

/** The time that begins at `from`, RFC 3339 with any part of a second. NaN for what is none. */
export function timeUsAt(bytes: Uint8Array, from: number): number {
  if (bytes[from + 4] !== dash || bytes[from + 10] !== bigT || bytes[from + 13] !== colon) return Number.NaN;
  const year = digits(bytes, from, 4);
  const month = digits(bytes, from + 5, 2);
  const day = digits(bytes, from + 8, 2);
  const seconds =
    digits(bytes, from + 11, 2) * 3600 + digits(bytes, from + 14, 2) * 60 + digits(bytes, from + 17, 2);
  let at = from + 19;
  let micros = 0;
  if (bytes[at] === dot) {
    let scale = 100_000;
    for (at += 1; ; at += 1) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      micros += digit * scale;
      scale = Math.floor(scale / 10);
    }
  }
  const sign = bytes[at];
  let offset = 0;
  if (sign === plus || sign === dash)
    offset = (digits(bytes, at + 1, 2) * 3600 + digits(bytes, at + 4, 2) * 60) * (sign === plus ? 1 : -1);
  else if (sign !== bigZ) return Number.NaN;
  return (daysOf(year, month, day) * 86_400 + seconds - offset) * 1e6 + micros;
}

/** NaN where they are not all digits. */
function digits(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Days since 1970-01-01, by the Gregorian calendar. */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  );
}

const openBrace = 0x7b;
const timeKeys = ['"ts":"', '"time":"', '"timestamp":"', '"@timestamp":"', '"stageTimestamp":"'].map((key) =>
  Buffer.from(key),
);

/** The time of a line of a component, at its beginning or in a field of its JSON. NaN for a line without, which goes on with the
 *  one before. */
export function lineTimeUs(bytes: Buffer, from: number, end: number): number {
  if (bytes[from] !== openBrace) return end - from < 20 ? Number.NaN : timeUsAt(bytes, from);
  const line = bytes.subarray(from, end);
  for (const key of timeKeys) {
    const at = line.indexOf(key);
    if (at >= 0) return timeUsAt(line, at + key.length);
  }
  return Number.NaN;
}
