import { placesOf, prefixed, type Template } from "./request-template.ts";

/** Ids of loads' leases are varints of four bytes, whichever lease it is. */
const firstId = 2 ** 21;
const idBytes = Buffer.from([0x80, 0x80, 0x80, 0x01]);

/** The n-th lease of a load, n below 10^8. */
export const leaseIdOf = (n: number): bigint => BigInt(firstId + n);

/** A message that is the same each time but for the id of its lease. */
export class LeaseTemplate implements Template {
  readonly bytes: Buffer;
  readonly #place: number;

  /** @param encode The request about a lease. */
  constructor(encode: (id: bigint) => Uint8Array) {
    this.bytes = prefixed(encode(leaseIdOf(0)));
    const [place] = placesOf(this.bytes, idBytes);
    if (place === undefined) throw new Error("the request does not name its lease");
    this.#place = place;
  }

  patch(into: Buffer, at: number, n: number): void {
    let rest = firstId + n;
    for (let i = 0; i < idBytes.length; i++) {
      into[at + this.#place + i] = (rest & 0x7f) | (i < idBytes.length - 1 ? 0x80 : 0);
      rest >>>= 7;
    }
  }
}
