import { exactWhole } from "../../../base/exact-json.ts";

/** What plain words of YAML mean to Kubernetes' YAML library, which speaks YAML 1.1: `yes` is true, `0777` is 511, `1_000` is a
 *  thousand; sexagesimal numbers and dates stay texts. Pure. */
export type PlainValue = string | number | bigint | boolean | null;

const words: ReadonlyMap<string, PlainValue> = new Map<string, PlainValue>([
  ...spellings(true, "y Y yes Yes YES true True TRUE on On ON"),
  ...spellings(false, "n N no No NO false False FALSE off Off OFF"),
  ...spellings(null, "~ null Null NULL"),
  ["", null],
  ...spellings(Number.NaN, ".nan .NaN .NAN"),
  ...spellings(Number.POSITIVE_INFINITY, ".inf .Inf .INF +.inf +.Inf +.INF"),
  ...spellings(Number.NEGATIVE_INFINITY, "-.inf -.Inf -.INF"),
]);

function spellings(value: PlainValue, texts: string): (readonly [string, PlainValue])[] {
  return texts.split(" ").map((text) => [text, value] as const);
}

/** The value of a word that stands without quotes. */
export function plainValue(word: string): PlainValue {
  const known = words.get(word);
  if (known !== undefined) return known;
  if (!/^[-+.0-9]/.test(word)) return word;
  if (word.startsWith(".")) return decimal(word) ?? word;
  const digits = word.replaceAll("_", "");
  return wholeNumber(digits) ?? decimal(digits) ?? word;
}

export type PlainTag = "null" | "bool" | "int" | "float" | "str";

/** Its type, by the name of YAML's tag. */
export function plainTag(word: string): PlainTag {
  const value = plainValue(word);
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "str";
  return wholeNumber(word.replaceAll("_", "")) === undefined ? "float" : "int";
}

const wholePattern = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0|[1-9][0-9]*)$/;
/** No 64-bit number has more, in any base. */
const wholeCharactersMax = 2 + 64;

/** What fits 64 bits, signed or not: exactly where it is signed. */
function wholeNumber(text: string): number | bigint | undefined {
  const [, sign = "", body = ""] = /^[-+]?0\d/.test(text) ? octal(text) : (wholePattern.exec(text) ?? []);
  if (body === "" || body.length > wholeCharactersMax) return undefined;
  const value = BigInt(body.toLowerCase());
  const [negativeMax, positiveMax] = [2n ** 63n, sign === "" ? 2n ** 64n - 1n : 2n ** 63n - 1n];
  if (value > (sign === "-" ? negativeMax : positiveMax)) return undefined;
  return exactWhole(String(sign === "-" ? -value : value));
}

/** A zero before other digits means eight's powers. */
function octal(text: string): readonly string[] {
  const [, sign = "", digits] = /^([-+]?)0+([0-7]*)$/.exec(text) ?? [];
  return digits === undefined ? [] : [text, sign, `0o${digits || "0"}`];
}

function decimal(text: string): number | undefined {
  if (!/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** The field that a key names which is no text; undefined for a null, which names none. */
export function keyName(key: PlainValue): string | undefined {
  if (key === null) return undefined;
  if (typeof key !== "number") return String(key);
  if (Number.isNaN(key)) return ".nan";
  if (!Number.isFinite(key)) return key > 0 ? ".inf" : "-.inf";
  return String(Number.isInteger(key) ? key : Math.fround(key) === key ? key : shortestSingle(key));
}

/** Fractions as keys have the digits that a 32-bit number needs, as Kubernetes writes them. */
function shortestSingle(value: number): number {
  const single = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return single;
}
