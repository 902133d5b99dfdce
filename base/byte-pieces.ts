/** Less is copied together with its neighbours. */
const largeBytesLeast = 1024;
/** A piece may keep so many times its own size of the buffer that it is a view of. */
const keptTimesMost = 4;
const tailBytesLeast = 256;
const tailBytesMost = 64 * 1024;
const nothing = Buffer.alloc(0);

/** Bytes that come in pieces of any size and are taken in others. Large pieces stay where they are; small ones, and those that
 *  would keep a far larger buffer, are copied behind each other once they have to wait.
 *  Invariant: what waits after `keep` holds `keptTimesMost` times its bytes at most, and a constant; each byte is copied twice at
 *  most. What was taken never changes. */
export class BytePieces {
  /** Oldest first; without what is in the tail. */
  readonly #pieces: Buffer[] = [];
  /** The first piece came when nothing waited, and was not looked at. */
  #isLoose = false;
  /** Ours: bytes that wait, behind all pieces, and room. */
  #tail: Buffer = nothing;
  #tailStart = 0;
  #tailEnd = 0;
  #length = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** The bytes must not change. */
  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#length === 0) {
      this.#pieces.push(bytes);
      this.#isLoose = true;
    } else {
      this.keep();
      this.#append(bytes);
    }
    this.#length += bytes.length;
  }

  /** To be called when what was added is not taken soon. */
  keep(): void {
    if (!this.#isLoose) return;
    this.#isLoose = false;
    const first = this.#pieces.pop();
    if (first !== undefined) this.#append(first);
  }

  /** The first bytes, at least so many as are asked for of those that wait. */
  peek(bytes: number): Buffer {
    const first = this.#first();
    if (first !== undefined && first.length >= bytes) return first;
    const joined = this.#join(bytes);
    this.#pieces.unshift(joined);
    return joined;
  }

  /** The first bytes, as many as are asked for of those that wait. */
  take(bytes: number): Buffer {
    const first = this.#first() ?? nothing;
    const isThere = first.length >= bytes;
    const taken = isThere ? first.subarray(0, bytes) : this.#join(bytes);
    if (isThere) this.#cutFirst(first, bytes);
    this.#length -= bytes;
    if (this.#length === 0) this.clear();
    return taken;
  }

  /** The first piece as it is. Undefined: nothing waits. */
  next(): Buffer | undefined {
    const first = this.#first();
    if (first !== undefined) this.take(first.length);
    return first;
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#isLoose = false;
    this.#tail = nothing;
    this.#tailStart = 0;
    this.#tailEnd = 0;
    this.#length = 0;
  }

  #append(bytes: Buffer): void {
    if (isLarge(bytes)) {
      this.#cutTail();
      this.#pieces.push(bytes);
      return;
    }
    if (this.#tailEnd + bytes.length > this.#tail.length) this.#newTail(bytes.length);
    this.#tail.set(bytes, this.#tailEnd);
    this.#tailEnd += bytes.length;
  }

  /** As large as all that waits, so that few are needed. */
  #newTail(bytes: number): void {
    this.#cutTail();
    const most = Math.max(tailBytesLeast, Math.min(tailBytesMost, this.#length));
    this.#tail = Buffer.allocUnsafeSlow(Math.max(bytes, most));
    this.#tailStart = 0;
    this.#tailEnd = 0;
  }

  #cutTail(): void {
    if (this.#tailEnd > this.#tailStart)
      this.#pieces.push(this.#tail.subarray(this.#tailStart, this.#tailEnd));
    this.#tailStart = this.#tailEnd;
  }

  #first(): Buffer | undefined {
    if (this.#pieces.length === 0) this.#cutTail();
    return this.#pieces[0];
  }

  #cutFirst(first: Buffer, bytes: number): void {
    if (first.length > bytes) this.#pieces[0] = first.subarray(bytes);
    else this.#pieces.shift();
  }

  /** Takes the bytes out of several pieces. */
  #join(bytes: number): Buffer {
    this.keep();
    const joined = Buffer.allocUnsafeSlow(bytes);
    for (let at = 0; at < bytes; ) {
      const piece = (this.#first() ?? nothing).subarray(0, bytes - at);
      joined.set(piece, at);
      at += piece.length;
      this.#cutFirst(this.#first() ?? nothing, piece.length);
    }
    return joined;
  }
}

/** The same bytes, for whoever keeps them: they hold nothing much beside themselves. */
export const kept = (bytes: Uint8Array): Uint8Array =>
  isLarge(bytes) ? bytes : Uint8Array.prototype.slice.call(bytes);

const isLarge = (bytes: Uint8Array): boolean =>
  bytes.length >= largeBytesLeast && bytes.length * keptTimesMost >= bytes.buffer.byteLength;
