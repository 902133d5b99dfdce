import { latin1Bytes } from "../../base/wire.ts";

const digits = 8;
const prefix = "bench/";

/** The n-th key of a load, n below 10^8. */
export const keyOf = (n: number): Uint8Array => latin1Bytes(`${prefix}${String(n).padStart(digits, "0")}`);

/** Behind all keys of loads. */
export const keysEnd: Uint8Array = latin1Bytes("bench0");

/** A gRPC message with its prefix, that a request is made of by patching a copy. */
export interface Template {
  readonly bytes: Buffer;
  /** Makes a copy of the template that begins at `at` the request with number n. */
  patch(into: Buffer, at: number, n: number): void;
}

/** A message that is the same each time but for the digits of its key. */
export class RequestTemplate implements Template {
  readonly bytes: Buffer;
  /** Where the key's digits begin. */
  readonly #places: readonly number[];

  /** @param encode The request about a key. */
  constructor(encode: (key: Uint8Array) => Uint8Array) {
    this.bytes = prefixed(encode(keyOf(0)));
    this.#places = placesOf(this.bytes, Buffer.from(keyOf(0))).map((place) => place + prefix.length);
  }

  patch(into: Buffer, at: number, n: number): void {
    for (const place of this.#places) {
      let rest = n;
      for (let digit = at + place + digits - 1; digit >= at + place; digit--) {
        const tenth = Math.trunc(rest / 10);
        into[digit] = 48 + rest - tenth * 10;
        rest = tenth;
      }
    }
  }
}

/** A request of which each template patches its own part. Both are of the same bytes. */
export function patchedByBoth(one: Template, other: Template): Template {
  if (!one.bytes.equals(other.bytes)) throw new Error("the templates are of different requests");
  return {
    bytes: one.bytes,
    patch(into, at, n) {
      one.patch(into, at, n);
      other.patch(into, at, n);
    },
  };
}

/** A message that is not compressed, as gRPC sends it. */
export function prefixed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

export function placesOf(bytes: Buffer, part: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(part); at !== -1; at = bytes.indexOf(part, at + part.length)) places.push(at);
  return places;
}
