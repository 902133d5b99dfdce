const prefixBytes = 5;

/** Where gRPC's messages end in the bytes of streams, however those are cut into pieces. A slot is a stream. */
export class MessageEnds {
  /** Of the message under way: bytes of its prefix that came, and of the message that are still to come. */
  readonly #prefix: Uint8Array;
  readonly #left: Float64Array;

  constructor(slots: number) {
    this.#prefix = new Uint8Array(slots);
    this.#left = new Float64Array(slots);
  }

  /** How many messages end in `bytes[start, end)`. */
  count(slot: number, bytes: Uint8Array, start: number, end: number): number {
    let ended = 0;
    let prefix = this.#prefix[slot] as number;
    let left = this.#left[slot] as number;
    for (let at = start; at < end; ) {
      if (prefix < prefixBytes) {
        // The first byte says whether the message is compressed.
        if (prefix > 0) left = left * 256 + (bytes[at] as number);
        prefix += 1;
        at += 1;
      } else {
        const here = Math.min(left, end - at);
        left -= here;
        at += here;
      }
      if (prefix < prefixBytes || left > 0) continue;
      ended += 1;
      prefix = 0;
    }
    this.#prefix[slot] = prefix;
    this.#left[slot] = left;
    return ended;
  }
}
