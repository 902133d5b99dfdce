import { isUint8Array } from "node:util/types";
import { shown } from "../../../base/options.ts";
import { utf8 } from "../../../base/wire.ts";
import { isWholeText, prefixEnd, toTheEnd } from "../keys.ts";

/** A key: text stands for its UTF-8. */
export type Key = Uint8Array | string;

/** Many keys: those that begin with a prefix (`""`: all), or those from one key on, up to but without another. */
export type Range = { readonly prefix: Key } | { readonly from: Key; readonly to?: Key | undefined };

/** One key, or many. */
export type Where = Key | Range;

/** As the wire has it. */
export interface Span {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

const first = Uint8Array.of(0);
const none = new Uint8Array(0);
/** Before the end where it stands, no key is. (As an end, a zero alone means that there is none.) */
const nowhere: Span = { key: Uint8Array.of(0, 0), rangeEnd: Uint8Array.of(0, 0) };
const fields = { prefix: ["prefix"], from: ["from", "to"] } as const;

export const isKey = (where: Where): where is Key => typeof where === "string" || isUint8Array(where);

/** Throws TypeError on what is no key, and on half a character: as UTF-8 it would be another's. */
export function keyBytes(key: Key): Uint8Array {
  if (isUint8Array(key)) return key;
  if (typeof key !== "string")
    throw new TypeError(`${shown(key)} is no key; keys are strings or Uint8Arrays`);
  if (!isWholeText(key)) throw new TypeError(`${shown(key)} is no key: half a surrogate pair is no text`);
  return utf8(key);
}

/** The keys below one prefix, which nobody beyond sees. */
export class KeyFolder {
  readonly prefix: Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(prefix: Key) {
    this.prefix = Uint8Array.from(keyBytes(prefix)); // whoever gave it may write into it
  }

  within(prefix: Key): KeyFolder {
    return new KeyFolder(joined(this.prefix, keyBytes(prefix)));
  }

  /** Throws TypeError on an empty key. */
  key(key: Key): Uint8Array {
    const own = keyBytes(key);
    if (own.length === 0) throw new TypeError("a key must not be empty");
    return joined(this.prefix, own);
  }

  /** Throws TypeError on what is neither a key nor a range. */
  span(where: Where): Span {
    if (isKey(where)) return { key: this.key(where), rangeEnd: none };
    checkRange(where);
    if (isPrefix(where)) {
      const prefix = joined(this.prefix, keyBytes(where.prefix));
      return { key: prefix.length === 0 ? first : prefix, rangeEnd: prefixEnd(prefix) };
    }
    const from = joined(this.prefix, keyBytes(where.from));
    const key = from.length === 0 ? first : from;
    if (where.to === undefined)
      return { key, rangeEnd: this.prefix.length === 0 ? toTheEnd : prefixEnd(this.prefix) };
    const to = keyBytes(where.to);
    if (to.length === 0)
      throw new TypeError("`to` must not be empty; leave it out for a range without an end");
    const rangeEnd = joined(this.prefix, to);
    return isToTheEnd(rangeEnd) ? nowhere : { key, rangeEnd };
  }

  /** Without the prefix. */
  own(key: Uint8Array): Uint8Array {
    return this.prefix.length === 0 ? key : key.subarray(this.prefix.length);
  }

  text(key: Uint8Array): string {
    return this.#decoder.decode(this.own(key));
  }
}

const isPrefix = (range: Range): range is Range & { readonly prefix: Key } =>
  "prefix" in range && range.prefix !== undefined;
const isToTheEnd = (end: Uint8Array): boolean => end.length === 1 && end[0] === 0;

function checkRange(where: unknown): void {
  const rule = "keys are given as one key, { prefix }, or { from, to }";
  if (typeof where !== "object" || where === null || Array.isArray(where))
    throw new TypeError(`${shown(where)} says no keys; ${rule}`);
  const names = Object.keys(where).filter((name) => (where as Record<string, unknown>)[name] !== undefined);
  const known: readonly string[] = names.includes("prefix") ? fields.prefix : fields.from;
  const other = names.find((name) => !known.includes(name));
  if (other !== undefined || !names.includes(known[0] ?? ""))
    throw new TypeError(
      `${other === undefined ? "this says no keys" : `${other} has no meaning here`}; ${rule}`,
    );
}

function joined(prefix: Uint8Array, own: Uint8Array): Uint8Array {
  if (prefix.length === 0) return own;
  const whole = new Uint8Array(prefix.length + own.length);
  whole.set(prefix);
  whole.set(own, prefix.length);
  return whole;
}
