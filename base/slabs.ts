const slabBytes = 64 * 1024;
const shareBytesMax = 4 * 1024;

/** Memory for small buffers of about the same lifetime, cut from larger pieces: thousands of small allocations cost the
 *  collector dearly, and in Node's shared pool what lives long keeps what short-lived neighbours leave behind. A piece is
 *  freed with the last of its buffers. */
export class Slabs {
  #slab = Buffer.alloc(0);
  #usedBytes = 0;
  /** The piece that the last reservation lies in. */
  #reserved = this.#slab;

  /** What is in the buffer at first is anything. */
  readonly take = (lengthBytes: number): Buffer => {
    const start = this.reserve(lengthBytes);
    return this.#reserved.subarray(start, start + lengthBytes);
  };

  /** Sets so many bytes aside, from the answered place of `reserved` on: for who needs no view of just them. */
  reserve(lengthBytes: number): number {
    if (lengthBytes > shareBytesMax) {
      this.#reserved = Buffer.allocUnsafeSlow(lengthBytes);
      return 0;
    }
    if (this.#usedBytes + lengthBytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#usedBytes = 0;
    }
    this.#reserved = this.#slab;
    const start = this.#usedBytes;
    this.#usedBytes += lengthBytes;
    return start;
  }

  get reserved(): Buffer {
    return this.#reserved;
  }
}
