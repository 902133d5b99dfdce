import { latin1Bytes } from "../../base/wire.ts";

const digits = 8;
const prefix = "bench/";

/** The n-th key of a load, n below 10^8. */
export const keyOf = (n: number): Uint8Array => latin1Bytes(`${prefix}${String(n).padStart(digits, "0")}`);

/** Behind all keys of loads. */
export const keysEnd: Uint8Array = latin1Bytes("bench0");

/** A gRPC message that is the same each time but for the digits of its key. */
export class RequestTemplate {
  readonly bytes: Buffer;
  /** Where the key's digits begin. */
  readonly #places: readonly number[];

  /** @param encode The request about a key. */
  constructor(encode: (key: Uint8Array) => Uint8Array) {
    const message = encode(keyOf(0));
    this.bytes = Buffer.alloc(5 + message.length);
    this.bytes.writeUInt32BE(message.length, 1);
    this.bytes.set(message, 5);
    this.#places = placesOf(this.bytes, Buffer.from(keyOf(0))).map((place) => place + prefix.length);
  }

  /** Makes a copy of the template that begins at `at` a request about the n-th key. */
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

function placesOf(bytes: Buffer, part: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(part); at !== -1; at = bytes.indexOf(part, at + part.length)) places.push(at);
  return places;
}
