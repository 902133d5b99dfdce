import { bytesOf, prefixEnd, toTheEnd } from "../keys.ts";

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

export const isKey = (where: Where): where is Key => typeof where === "string" || where instanceof Uint8Array;

/** The keys below one prefix, which nobody beyond sees. */
export class KeyFolder {
  readonly prefix: Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(prefix: Uint8Array) {
    this.prefix = prefix;
  }

  within(prefix: Key): KeyFolder {
    return new KeyFolder(joined(this.prefix, bytesOf(prefix)));
  }

  /** Throws TypeError on an empty key. */
  key(key: Key): Uint8Array {
    const own = bytesOf(key);
    if (own.length === 0) throw new TypeError("a key must not be empty");
    return joined(this.prefix, own);
  }

  /** Throws TypeError on an empty `to`. */
  span(where: Where): Span {
    if (isKey(where)) return { key: this.key(where), rangeEnd: none };
    if ("prefix" in where) {
      const prefix = joined(this.prefix, bytesOf(where.prefix));
      return { key: prefix.length === 0 ? first : prefix, rangeEnd: prefixEnd(prefix) };
    }
    const from = joined(this.prefix, bytesOf(where.from));
    return { key: from.length === 0 ? first : from, rangeEnd: this.#end(where.to) };
  }

  /** Without the prefix. */
  own(key: Uint8Array): Uint8Array {
    return this.prefix.length === 0 ? key : key.subarray(this.prefix.length);
  }

  text(key: Uint8Array): string {
    return this.#decoder.decode(this.own(key));
  }

  #end(to: Key | undefined): Uint8Array {
    if (to === undefined) return this.prefix.length === 0 ? toTheEnd : prefixEnd(this.prefix);
    const own = bytesOf(to);
    if (own.length === 0)
      throw new TypeError("`to` must not be empty; leave it out for a range without an end");
    return joined(this.prefix, own);
  }
}

function joined(prefix: Uint8Array, own: Uint8Array): Uint8Array {
  if (prefix.length === 0) return own;
  const whole = new Uint8Array(prefix.length + own.length);
  whole.set(prefix);
  whole.set(own, prefix.length);
  return whole;
}
