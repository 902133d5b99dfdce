import { writeVarint, writeVarint64 } from "./varint.ts";

/** Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding/): varints, lengths, views into the
 *  input. `protobuf.ts` puts tables of messages on top. */

// Text stays as it is, with a byte order mark that it begins with.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** What is wrong with the bytes where that is no message's own matter: they end too early, a varint is too long, a length is
 *  negative. */
export type WireProblem = "cut" | "overflow" | "negative length";

export class WireError extends Error {
  override readonly name = "WireError";
  readonly problem: WireProblem | undefined;

  constructor(message: string, problem?: WireProblem) {
    super(message);
    this.problem = problem;
  }
}

/** A bigint of 64 bits and its halves, without arithmetic on bigints. */
const whole = new BigUint64Array(1);
const signed = new BigInt64Array(whole.buffer);
const halves = new Uint32Array(whole.buffer);

/** Reads one message's bytes front to back. */
export class WireReader {
  readonly buffer: Uint8Array;
  position: number;
  /** Of the message that is being read, which may stand in another. */
  end: number;
  /** Depth of nested messages, bounded so that hostile input cannot exhaust the stack. */
  depth = 0;
  /** What `buffer` is a view of, which costs more to ask it for than a view to make. */
  readonly #memory: ArrayBufferLike;
  readonly #memoryStart: number;

  constructor(buffer: Uint8Array, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = start;
    this.end = end;
    this.#memory = buffer.buffer;
    this.#memoryStart = buffer.byteOffset;
  }

  /** Goes into the message that begins with its length here; answers what `leave` needs to come out of it. */
  enter(): number {
    const lengthBytes = this.lengthBytes();
    const { end } = this;
    this.end = this.position + lengthBytes;
    this.depth += 1;
    return end;
  }

  leave(end: number): void {
    this.end = end;
    this.depth -= 1;
  }

  byte(): number {
    if (this.position >= this.end) throw new WireError("unexpected end of message", "cut");
    return this.buffer[this.position++] as number;
  }

  /** A varint of at most 64 bits as a number; the high bits beyond 2^53 must be a sign extension of an int64. */
  varint(): number {
    const first = this.position < this.end ? (this.buffer[this.position] as number) : 0x80;
    if (first < 0x80) {
      this.position += 1;
      return first;
    }
    const short = this.#shortVarint();
    if (short >= 0) return short;
    const value = this.#varintSigned();
    const high = (halves[1] as number) | 0;
    if (high < -(2 ** 21) || high >= 2 ** 21) throw new WireError("64-bit number beyond 2^53");
    return value;
  }

  /** A varint of at most 28 bits; -1, with nothing read, where it is longer. */
  #shortVarint(): number {
    const start = this.position;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low;
    }
    this.position = start;
    return -1;
  }

  /** A varint as a signed 64-bit number; a bigint where a number could not tell it from its neighbours. */
  varintExact(): number | bigint {
    const short = this.#shortVarint();
    if (short >= 0) return short;
    const value = this.#varintSigned();
    return Number.isSafeInteger(value) ? value : (signed[0] as bigint);
  }

  /** A varint as the signed 64-bit number or, beyond ±2^53, one near it. */
  #varintSigned(): number {
    this.#varintHalves();
    return ((halves[1] as number) | 0) * 2 ** 32 + (halves[0] as number);
  }

  /** A varint's lowest 32 bits; the others are cut off, as 32-bit fields want it. */
  varintLow(): number {
    let low = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift > 63) throw new WireError("varint longer than 10 bytes", "overflow");
      if (shift < 32) low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low >>> 0;
    }
  }

  /** A varint as a signed 64-bit number, or the nearest safe integer where it lies beyond ±(2^53 − 1). */
  varintClamped(): number {
    const start = this.position;
    if (start < this.end && (this.buffer[start] as number) < 0x80) {
      this.position = start + 1;
      return this.buffer[start] as number;
    }
    const short = this.#shortVarint();
    if (short >= 0) return short;
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(this.#varintSigned(), Number.MAX_SAFE_INTEGER));
  }

  /** A varint as an unsigned 64-bit bigint. */
  varintBig(): bigint {
    this.#varintHalves();
    return whole[0] as bigint;
  }

  /** A varint as a signed 64-bit bigint. */
  varintBigSigned(): bigint {
    this.#varintHalves();
    return signed[0] as bigint;
  }

  varintBool(): boolean {
    this.#varintHalves();
    return halves[0] !== 0 || halves[1] !== 0;
  }

  /** Reads a varint into `whole`; bits beyond the 64th are cut off. */
  #varintHalves(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift > 63) throw new WireError("varint longer than 10 bytes", "overflow");
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    halves[0] = low;
    halves[1] = high;
  }

  /** The length of the field that starts here, which ends within the message. */
  lengthBytes(): number {
    const lengthBytes = this.varintClamped();
    if (lengthBytes < 0) throw new WireError("negative length", "negative length");
    if (this.position + lengthBytes > this.end)
      throw new WireError("field reaches past the end of its message", "cut");
    return lengthBytes;
  }

  bytes(): Uint8Array {
    const lengthBytes = this.lengthBytes();
    const start = this.position;
    this.position = start + lengthBytes;
    return new Uint8Array(this.#memory, this.#memoryStart + start, lengthBytes);
  }

  /** Passes over the field with this tag, which nobody knows. */
  skipField(tag: number): void {
    if (tag < 8) throw new WireError(`illegal tag ${tag}`);
    this.skip(tag & 7);
  }

  fixed(lengthBytes: 4 | 8): DataView {
    if (this.position + lengthBytes > this.end) throw new WireError("unexpected end of message", "cut");
    const view = new DataView(this.buffer.buffer, this.buffer.byteOffset + this.position, lengthBytes);
    this.position += lengthBytes;
    return view;
  }

  skip(wireType: number): void {
    switch (wireType) {
      case 0:
        while (this.byte() >= 0x80);
        return;
      case 1:
        this.fixed(8);
        return;
      case 2: {
        const lengthBytes = this.lengthBytes();
        this.position += lengthBytes;
        return;
      }
      case 5:
        this.fixed(4);
        return;
      default:
        throw new WireError(`unknown wire type ${wireType}`);
    }
  }
}

/** Writes into a buffer that grows; `finish()` hands it out. Nested lengths are patched in place. */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  /** @param room What is written into at first, or its size. */
  constructor(room: Buffer | number = 256) {
    this.#buffer = typeof room === "number" ? Buffer.allocUnsafe(room) : room;
  }

  get lengthBytes(): number {
    return this.#length;
  }

  #room(moreBytes: number): void {
    if (this.#length + moreBytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + moreBytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  /** A safe integer; negative ones as ten-byte two's complement. */
  varint(value: number): this {
    if (value < 0) return this.varintBig(BigInt(value));
    this.#room(10);
    this.#length = writeVarint(this.#buffer, this.#length, value);
    return this;
  }

  varintBig(value: bigint): this {
    this.#room(10);
    this.#length = writeVarint64(this.#buffer, this.#length, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  bytes(value: Uint8Array): this {
    return this.varint(value.length).raw(value);
  }

  string(value: string): this {
    const size = Buffer.byteLength(value);
    this.varint(size).#room(size);
    this.#length += this.#buffer.write(value, this.#length, size, "utf8");
    return this;
  }

  fixed(lengthBytes: 4 | 8, fill: (view: DataView) => void): this {
    this.#room(lengthBytes);
    fill(new DataView(this.#buffer.buffer, this.#buffer.byteOffset + this.#length, lengthBytes));
    this.#length += lengthBytes;
    return this;
  }

  /** Writes what `fill` writes, preceded by its length. */
  nested(fill: () => void): this {
    const lengthAt = this.#length;
    this.#room(1);
    this.#length += 1;
    const start = this.#length;
    fill();
    const size = this.#length - start;
    if (size < 0x80) {
      this.#buffer[lengthAt] = size;
      return this;
    }
    const extra = size < 2 ** 14 ? 1 : size < 2 ** 21 ? 2 : size < 2 ** 28 ? 3 : 4;
    this.#room(extra);
    this.#buffer.copyWithin(start + extra, start, this.#length);
    this.#length = lengthAt;
    this.varint(size);
    this.#length = start + extra + size;
    return this;
  }

  /** The bytes written so far. The writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** The nearest integer within ±(2^53 − 1). */
export function clampedToSafe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
  if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER;
  return Number(value);
}

/** Takes any bytes, though it stands with buffers. */
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
};

/** Bytes to a string of code units 0–255. */
export function latin1(value: Uint8Array): string {
  return latin1Slice.call(value, 0, value.length);
}

/** The reverse of `latin1`. */
export function latin1Bytes(value: string): Uint8Array {
  return Buffer.from(value, "latin1");
}

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const text = (value: Uint8Array): string => decoder.decode(value);
