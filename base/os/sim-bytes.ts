/** What a simulated file holds: it grows with zeros, in place, so that a write costs what it writes. */
export class SimBytes {
  /** Zeros behind `#lengthBytes`. */
  #buffer: Uint8Array;
  #lengthBytes: number;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#buffer = bytes.slice();
    this.#lengthBytes = bytes.length;
  }

  /** Not a copy: changes with the next write. */
  get view(): Uint8Array {
    return this.#buffer.subarray(0, this.#lengthBytes);
  }

  get length(): number {
    return this.#lengthBytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (offset + bytes.length > this.#lengthBytes) this.resize(offset + bytes.length);
    this.#buffer.set(bytes, offset);
  }

  resize(lengthBytes: number): void {
    if (lengthBytes > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(lengthBytes, 2 * this.#buffer.length));
      larger.set(this.view);
      this.#buffer = larger;
    }
    if (lengthBytes < this.#lengthBytes) this.#buffer.fill(0, lengthBytes, this.#lengthBytes);
    this.#lengthBytes = lengthBytes;
  }

  /** Holds a copy of these from now on. */
  set(bytes: Uint8Array): void {
    this.resize(bytes.length);
    this.#buffer.set(bytes);
  }
}
