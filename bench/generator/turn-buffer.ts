import type { Duplex } from "node:stream";

const bytesAtFirst = 1 << 16;

/** Gathers what a turn sends on one connection, for one write. */
export class TurnBuffer {
  readonly #socket: Duplex;
  bytes = Buffer.allocUnsafe(bytesAtFirst);
  length = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** Makes room for so many bytes; answers where they go. Whoever asks writes all of them. */
  take(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.length, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
    }
    return at;
  }

  add(bytes: Uint8Array): void {
    const at = this.take(bytes.length); // first, for it may replace the buffer
    this.bytes.set(bytes, at);
  }

  flush(): void {
    if (this.length === 0) return;
    this.#socket.write(this.bytes.subarray(0, this.length));
    // The kernel has it all as a rule; else the socket still needs these bytes.
    if (this.#socket.writableLength > 0) this.bytes = Buffer.allocUnsafe(bytesAtFirst);
    this.length = 0;
  }
}
