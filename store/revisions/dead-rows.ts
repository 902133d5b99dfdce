/** Which rows of a segment compactions dropped, by their number in it. Never changed once made: views keep theirs. */
export class DeadRows {
  readonly #bits: Uint8Array;
  readonly rows: number;
  /** Of the dropped rows, in the file. */
  readonly bytes: number;

  constructor(bits: Uint8Array, rows: number, bytes: number) {
    this.#bits = bits;
    this.rows = rows;
    this.bytes = bytes;
  }

  has(row: number): boolean {
    return ((this.#bits[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }

  encode(): Uint8Array {
    const out = Buffer.allocUnsafeSlow(headBytes + this.#bits.length);
    out.writeUInt32BE(this.rows, 0);
    out.writeDoubleBE(this.bytes, 4);
    out.set(this.#bits, headBytes);
    return out;
  }

  static decode(stored: Uint8Array): DeadRows {
    const from = Buffer.from(stored);
    return new DeadRows(from.subarray(headBytes), from.readUInt32BE(0), from.readDoubleBE(4));
  }

  /** The same rows and more to come, in a segment of so many. */
  static builder(before: DeadRows | undefined, segmentRows: number): DeadRowsBuilder {
    const bits = new Uint8Array((segmentRows + 7) >>> 3);
    if (before !== undefined) bits.set(before.#bits);
    return new DeadRowsBuilder(bits, before?.rows ?? 0, before?.bytes ?? 0);
  }
}

const headBytes = 12;

export class DeadRowsBuilder {
  readonly #bits: Uint8Array;
  #rows: number;
  #bytes: number;

  constructor(bits: Uint8Array, rows: number, bytes: number) {
    this.#bits = bits;
    this.#rows = rows;
    this.#bytes = bytes;
  }

  add(row: number, rowBytes: number): void {
    const bit = 1 << (row & 7);
    const before = this.#bits[row >>> 3] ?? 0;
    if ((before & bit) !== 0) return;
    this.#bits[row >>> 3] = before | bit;
    this.#rows++;
    this.#bytes += rowBytes;
  }

  build(): DeadRows {
    return new DeadRows(this.#bits, this.#rows, this.#bytes);
  }
}
