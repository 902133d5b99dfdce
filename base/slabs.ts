const slabBytes = 64 * 1024;
const shareBytesMax = 4 * 1024;

/** Memory for small buffers of about the same lifetime, cut from larger pieces: thousands of small allocations cost the
 *  collector dearly, and in Node's shared pool what lives long keeps what short-lived neighbours leave behind. A piece is
 *  freed with the last of its buffers. */
export class Slabs {
  #slab = Buffer.alloc(0);
  #usedBytes = 0;

  /** What is in the buffer at first is anything. */
  readonly take = (lengthBytes: number): Buffer => {
    if (lengthBytes > shareBytesMax) return Buffer.allocUnsafeSlow(lengthBytes);
    if (this.#usedBytes + lengthBytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#usedBytes = 0;
    }
    const start = this.#usedBytes;
    this.#usedBytes += lengthBytes;
    return this.#slab.subarray(start, this.#usedBytes);
  };
}
