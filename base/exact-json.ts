/** JSON whose whole numbers stay what they are within 64 bits, as Go's decoders of untyped values have it. A whole number that
 *  JavaScript's numbers cannot tell from its neighbours is a bigint here; all others are numbers, those beyond 64 bits and
 *  those with a point or an exponent included. Pure.
 *  Invariant: one value has one form, so that equal numbers are equal by `===`. */

/** What the text says. Throws SyntaxError as JSON.parse does. */
export function parseExactJson(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  return hasLongDigits(text) ? exactly(text, plain) : plain;
}

/** What JSON.stringify says, bigints as the numbers that they are. */
export function exactJsonText(value: unknown): string;
export function exactJsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError) || !error.message.includes("BigInt")) throw error;
    return written(value);
  }
}

/** The same in lines, each level two spaces further in. */
export function exactJsonLines(value: unknown): string;
export function exactJsonLines(value: unknown): string | undefined {
  return written(value, "");
}

/** The number that a whole number's digits say, in its one form. */
export function exactWhole(digits: string): number | bigint {
  const near = Number(digits);
  if (Number.isSafeInteger(near) || digits.length > longestDigits) return near;
  const exact = BigInt(digits);
  return BigInt.asIntN(64, exact) === exact ? exact : near;
}

/** The least number of digits of a whole number that may not be exact. */
const longDigits = 16;
/** A sign and the digits of the largest one in 64 bits. */
const longestDigits = 20;

/** Whether so many digits stand in a row anywhere. Looks at one character in so many: each such row has one of those. */
function hasLongDigits(text: string): boolean {
  for (let at = longDigits - 1; at < text.length; at += longDigits) {
    if (!isDigit(text, at)) continue;
    let first = at;
    while (isDigit(text, first - 1)) first--;
    let end = at + 1;
    while (isDigit(text, end)) end++;
    if (end - first >= longDigits) return true;
    at += Math.floor((end - 1 - at) / longDigits) * longDigits;
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

const numberToken = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Reads the text again with its inexact numbers as marked texts. @param plain What it says but for those. */
function exactly(text: string, plain: unknown): unknown {
  let mark: string | undefined;
  const marked = outsideStrings(text, (part) =>
    part.replace(numberToken, (token) => {
      if (token.length < longDigits || /[.eE]/.test(token)) return token;
      if (typeof exactWhole(token) === "number") return token;
      mark ??= unusedMark(plain);
      return `"${mark}${token}"`;
    }),
  );
  if (mark === undefined) return plain;
  const begins = mark;
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(begins) ? BigInt(value.slice(begins.length)) : value,
  );
}

/** A text that occurs in none of the value's. */
function unusedMark(value: unknown): string {
  const said = JSON.stringify(value);
  let mark = "int64:";
  while (said.includes(mark)) mark += mark;
  return mark;
}

/** The JSON text with every part that is in no string changed. */
function outsideStrings(text: string, change: (part: string) => string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const opens = text.indexOf('"', at);
    if (opens < 0) {
      parts.push(change(text.slice(at)));
      break;
    }
    parts.push(change(text.slice(at, opens)));
    at = closing(text, opens) + 1;
    parts.push(text.slice(opens, at));
  }
  return parts.join("");
}

/** Where the string ends that begins at `opens`. */
function closing(text: string, opens: number): number {
  let at = text.indexOf('"', opens + 1);
  for (; at >= 0; at = text.indexOf('"', at + 1)) {
    let first = at;
    while (text[first - 1] === "\\") first--;
    if ((at - first) % 2 === 0) return at;
  }
  return text.length;
}

/** As JSON.stringify, for values that come from JSON but for their bigints. @param margin Of the lines; absent: all in one. */
function written(value: unknown, margin?: string): string | undefined {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null || "toJSON" in value) return JSON.stringify(value);
  const inner = margin === undefined ? undefined : `${margin}  `;
  if (Array.isArray(value))
    return enclosed(
      "[]",
      value.map((one) => written(one, inner) ?? "null"),
      margin,
    );
  const colon = margin === undefined ? ":" : ": ";
  const fields = Object.entries(value).flatMap(([name, one]) => {
    const text = written(one, inner);
    return text === undefined ? [] : [`${JSON.stringify(name)}${colon}${text}`];
  });
  return enclosed("{}", fields, margin);
}

function enclosed(brackets: string, parts: readonly string[], margin: string | undefined): string {
  const [opening = "", closing = ""] = brackets;
  if (margin === undefined || parts.length === 0) return `${opening}${parts.join(",")}${closing}`;
  return `${opening}\n${margin}  ${parts.join(`,\n${margin}  `)}\n${margin}${closing}`;
}
