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

export type PlainTag = "null" | "bool" | "int" | "float" | "str";

interface PlainWord {
  readonly word: string;
  readonly value: PlainValue;
  readonly tag: PlainTag;
}

/** The word that was read last: a parser asks for it once for each tag that it might have. */
let last: PlainWord = { word: "", value: null, tag: "null" };

function read(word: string): PlainWord {
  if (word !== last.word) last = { word, ...meaningOf(word) };
  return last;
}

/** The value of a word that stands without quotes. */
export function plainValue(word: string): PlainValue {
  return read(word).value;
}

/** Its type, by the name of YAML's tag. */
export function plainTag(word: string): PlainTag {
  return read(word).tag;
}

function meaningOf(word: string): Omit<PlainWord, "word"> {
  const known = words.get(word);
  if (known !== undefined) return { value: known, tag: tagOf(known) };
  if (!/^[-+.0-9]/.test(word)) return { value: word, tag: "str" };
  if (shortWhole.test(word)) return { value: Number(word), tag: "int" };
  const digits = word.replaceAll("_", "");
  const whole = word.startsWith(".") ? undefined : wholeNumber(digits);
  if (whole !== undefined) return { value: whole, tag: "int" };
  const value = decimal(word.startsWith(".") ? word : digits);
  return value === undefined ? { value: word, tag: "str" } : { value, tag: "float" };
}

function tagOf(known: PlainValue): PlainTag {
  if (known === null) return "null";
  return typeof known === "boolean" ? "bool" : "float";
}

/** Most whole numbers: exact in any case. */
const shortWhole = /^[1-9][0-9]{0,14}$/;

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
  const [whole, sign = "", digits = "0"] = /^([-+]?)0+([1-7][0-7]*)?$/.exec(text) ?? [];
  return whole === undefined ? [] : [text, sign, `0o${digits}`];
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
