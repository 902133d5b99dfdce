/** What Go's JSON decoder says of bytes that are no JSON: clients and their tests know these words. Undefined where there is
 *  nothing wrong. Pure. */
export function goJsonError(said: string | Uint8Array): string | undefined {
  // Go looks at bytes: each is a character here.
  const text = Buffer.from(said).toString("latin1");
  try {
    const end = skipSpace(text, value(text, skipSpace(text, 0)));
    if (end < text.length) fail(text, end, "after top-level value");
    return undefined;
  } catch (error) {
    if (error instanceof Flaw) return error.message;
    // What nests deeper than a call stack is too deep for Go's decoder as well.
    if (error instanceof RangeError) return "exceeded max depth";
    throw error;
  }
}

class Flaw extends Error {}

/** Each function takes where its part begins and gives where it ends. */
function value(text: string, at: number): number {
  const first = text[at];
  if (first === "{") return object(text, at);
  if (first === "[") return array(text, at);
  if (first === '"') return string(text, at);
  if (first === "-" || isDigit(first)) return number(text, at);
  for (const literal of ["true", "false", "null"]) if (first === literal[0]) return word(text, at, literal);
  return fail(text, at, "looking for beginning of value");
}

function object(text: string, start: number): number {
  let at = skipSpace(text, start + 1);
  if (text[at] === "}") return at + 1;
  for (;;) {
    if (text[at] !== '"') fail(text, at, "looking for beginning of object key string");
    at = skipSpace(text, string(text, at));
    if (text[at] !== ":") fail(text, at, "after object key");
    at = skipSpace(text, value(text, skipSpace(text, at + 1)));
    if (text[at] === "}") return at + 1;
    if (text[at] !== ",") fail(text, at, "after object key:value pair");
    at = skipSpace(text, at + 1);
  }
}

function array(text: string, start: number): number {
  let at = skipSpace(text, start + 1);
  if (text[at] === "]") return at + 1;
  for (;;) {
    at = skipSpace(text, value(text, at));
    if (text[at] === "]") return at + 1;
    if (text[at] !== ",") fail(text, at, "after array element");
    at = skipSpace(text, at + 1);
  }
}

function string(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    const one = text[at];
    if (one === '"') return at + 1;
    if (one === undefined || one < " ") fail(text, at, "in string literal");
    if (one !== "\\") continue;
    at += 1;
    if (text[at] === "u") {
      for (let digit = 1; digit <= 4; digit++)
        if (!/[0-9a-fA-F]/.test(text[at + digit] ?? " "))
          fail(text, at + digit, "in \\u hexadecimal character escape");
      at += 4;
    } else if (!'"\\/bfnrt'.includes(text[at] ?? " ")) fail(text, at, "in string escape code");
  }
}

function number(text: string, start: number): number {
  let at = start;
  if (text[at] === "-") at += 1;
  if (!isDigit(text[at])) fail(text, at, "in numeric literal");
  at = text[at] === "0" ? at + 1 : digits(text, at);
  if (text[at] === ".") {
    if (!isDigit(text[at + 1])) fail(text, at + 1, "after decimal point in numeric literal");
    at = digits(text, at + 1);
  }
  if (text[at] === "e" || text[at] === "E") {
    at += text[at + 1] === "+" || text[at + 1] === "-" ? 2 : 1;
    if (!isDigit(text[at])) fail(text, at, "in exponent of numeric literal");
    at = digits(text, at);
  }
  return at;
}

function digits(text: string, start: number): number {
  let at = start;
  while (isDigit(text[at])) at += 1;
  return at;
}

function word(text: string, start: number, literal: string): number {
  for (let index = 1; index < literal.length; index++)
    if (text[start + index] !== literal[index])
      fail(text, start + index, `in literal ${literal} (expecting '${literal[index]}')`);
  return start + literal.length;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && " \t\r\n".includes(text[at] ?? "x")) at += 1;
  return at;
}

const isDigit = (one: string | undefined) => one !== undefined && one >= "0" && one <= "9";

function fail(text: string, at: number, context: string): never {
  if (at >= text.length) throw new Flaw("unexpected end of JSON input");
  throw new Flaw(`invalid character ${quotedByte(text.charCodeAt(at))} ${context}`);
}

/** As the character of that number. */
function quotedByte(byte: number): string {
  if (byte === 0x27) return "'\\''";
  if (byte === 0x22) return "'\"'";
  const named: Readonly<Record<number, string>> = {
    7: "\\a",
    8: "\\b",
    9: "\\t",
    10: "\\n",
    11: "\\v",
    12: "\\f",
    13: "\\r",
    92: "\\\\",
  };
  const hex = byte.toString(16).padStart(2, "0");
  if (named[byte] !== undefined) return `'${named[byte]}'`;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${hex}'`;
  if (byte >= 0x80 && byte < 0xa1) return `'\\u00${hex}'`;
  return byte === 0xad ? "'\\u00ad'" : `'${String.fromCharCode(byte)}'`;
}

/** What Go calls a JSON value in "cannot unmarshal …". */
export function goKindOf(value: unknown): string {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "number";
  return Array.isArray(value) ? "array" : typeof value;
}
