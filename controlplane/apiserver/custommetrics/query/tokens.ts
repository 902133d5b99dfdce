/** The words of PromQL. Pure. */
export type Token =
  | { readonly type: "word"; readonly text: string; readonly at: number }
  | { readonly type: "number"; readonly text: string; readonly at: number }
  | { readonly type: "duration"; readonly text: string; readonly at: number }
  | { readonly type: "string"; readonly text: string; readonly at: number }
  | { readonly type: "sign"; readonly text: string; readonly at: number };

/** Says what is wrong with a query, or what of PromQL is not understood here. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

const patterns: readonly (readonly [Token["type"] | "space", RegExp])[] = [
  ["space", /(?:\s+|#[^\n]*)/y],
  ["duration", /(?:\d+(?:ms|[smhdwy]))+(?![A-Za-z0-9_.])/y],
  ["number", /(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![A-Za-z0-9_.])/y],
  ["word", /[A-Za-z_:][A-Za-z0-9_:]*/y],
  ["sign", /=~|!~|!=|==|>=|<=|[-+*/%^=<>(){}[\],@:]/y],
];
const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** Throws QueryError. */
export function tokens(text: string): readonly Token[] {
  const found: Token[] = [];
  let at = 0;
  next: while (at < text.length) {
    const quote = text.charAt(at);
    if (quote === '"' || quote === "'" || quote === "`") {
      const { value, end } = quoted(text, at, quote);
      found.push({ type: "string", text: value, at });
      at = end;
      continue;
    }
    for (const [type, pattern] of patterns) {
      pattern.lastIndex = at;
      const match = pattern.exec(text)?.[0];
      if (match === undefined) continue;
      if (type !== "space") found.push({ type, text: match, at });
      at += match.length;
      continue next;
    }
    throw new QueryError(`unexpected ${JSON.stringify(quote)} at character ${at + 1}`);
  }
  return found;
}

function quoted(
  text: string,
  start: number,
  quote: string,
): { readonly value: string; readonly end: number } {
  if (quote === "`") {
    const end = text.indexOf("`", start + 1);
    if (end < 0) throw new QueryError(`a string that begins at character ${start + 1} does not end`);
    return { value: text.slice(start + 1, end), end: end + 1 };
  }
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    const one = text.charAt(at);
    if (one === quote) return { value, end: at + 1 };
    if (one === "\n") break;
    if (one !== "\\") {
      value += one;
      continue;
    }
    const code =
      /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(0010[0-9a-fA-F]{4}|000[0-9a-fA-F]{5})|([0-3][0-7]{2}))/.exec(
        text.slice(at + 1, at + 10),
      );
    const hex = code?.[1] ?? code?.[2] ?? code?.[3];
    if (code !== null) {
      value += String.fromCodePoint(Number.parseInt(hex ?? code[4] ?? "0", hex === undefined ? 8 : 16));
      at += code[0].length;
      continue;
    }
    const letter = text.charAt(at + 1);
    const meant = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (meant === undefined) throw new QueryError(`unknown escape \\${letter} at character ${at + 1}`);
    value += meant;
    at += 1;
  }
  throw new QueryError(`a string that begins at character ${start + 1} does not end`);
}

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** `1h30m` in milliseconds. */
export function durationMs(text: string): number {
  let sum = 0;
  for (const [, count = "", unit = ""] of text.matchAll(/(\d+)(ms|[smhdwy])/g))
    sum += Number(count) * (unitsMs[unit] ?? 0);
  return sum;
}
