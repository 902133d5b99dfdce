import { isUint8Array } from "node:util/types";
import { type OptionKind, withMethods } from "../../../base/options.ts";
import { utf8 } from "../../../base/wire.ts";
import { isWholeText } from "../keys.ts";

/** How values are written as bytes and read back. */
export interface Codec<V> {
  /** For errors: `json`. */
  readonly name: string;
  /** Throws on what cannot be written. */
  encode(value: V): Uint8Array;
  /** Throws on what is none of its values. The bytes are the callee's. */
  decode(bytes: Uint8Array): V;
}

const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Values as they are stored. */
export const bytes: Codec<Uint8Array> = {
  name: "bytes",
  encode(value) {
    if (!isUint8Array(value)) throw new TypeError(`${kindOf(value)} is not a Uint8Array`);
    return value;
  },
  decode: (stored) => stored,
};

/** Text, in UTF-8. Bytes that are none are refused when read. */
export const text: Codec<string> = {
  name: "text",
  encode(value) {
    if (typeof value !== "string") throw new TypeError(`${kindOf(value)} is not a string`);
    if (!isWholeText(value)) throw new TypeError("half a surrogate pair is no text");
    return utf8(value);
  },
  decode: (stored) => strictText.decode(stored),
};

/** JSON.
 *  @param check Looks at what was read and answers it as a T, or throws; without, what is stored is taken to be a T. */
export function json<T>(check: (value: unknown) => T = (value) => value as T): Codec<T> {
  return {
    name: "json",
    encode(value) {
      const written = JSON.stringify(value);
      if (written === undefined) throw new TypeError(`${kindOf(value)} cannot be written as JSON`);
      return utf8(written);
    },
    decode: (stored) => check(JSON.parse(strictText.decode(stored))),
  };
}

export const codecKind: OptionKind = withMethods("a codec", "encode", "decode");

/** Throws TypeError on what is none. */
export function checkCodec(codec: unknown): void {
  if (!codecKind.fits(codec)) throw new TypeError(`a codec must be ${codecKind.must}`);
}

/** What is stored under a key is no value of the codec, or what was to be stored is none. */
export class ValueError extends Error {
  override readonly name = "ValueError";
  readonly key: string;
  /** The revision at which it was written; 0: it was to be written. */
  readonly revision: number;

  constructor(doing: "read" | "write", at: { readonly key: string; readonly revision: number }, why: string) {
    super(
      `the value of ${JSON.stringify(at.key)} cannot be ${doing === "read" ? "read" : "written"} as ${why}`,
    );
    this.key = at.key;
    this.revision = at.revision;
  }
}

function kindOf(value: unknown): string {
  return value === null ? "null" : value === undefined ? "undefined" : `a value of type ${typeof value}`;
}
