/** Archives of tar, as far as copying one file needs them: POSIX' headers with GNU's and pax' long names and sizes. */

const blockBytes = 512;
const nameBytesMost = 100;
/** Names and records that stand before an entry. */
const extraBytesMost = 1024 * 1024;
/** An archive's end is filled up to a whole record; that of GNU's has 10 KiB, and any may be asked for. */
const afterEntryBytesMost = 8 * 1024 * 1024;
/** What eleven octal digits hold. */
export const fileBytesMost = 8 ** 11 - 1;

/** The blocks before a file's bytes. The name is at most `extraBytesMost` long, the size `fileBytesMost` at most. Pure. */
export function fileHead(name: string, sizeBytes: number, mtimeS: number): Buffer {
  const nameBytes = Buffer.from(name);
  const header = headerBlock(nameBytes, sizeBytes, mtimeS, "0");
  if (nameBytes.length <= nameBytesMost) return header;
  const long = Buffer.concat([nameBytes, Buffer.from([0])]);
  return Buffer.concat([
    headerBlock(Buffer.from("././@LongLink"), long.length, 0, "L"),
    long,
    Buffer.alloc(paddingOf(long.length)),
    header,
  ]);
}

/** What follows a file's bytes: its padding, and the archive's end. Pure. */
export const fileTail = (sizeBytes: number): Buffer => Buffer.alloc(paddingOf(sizeBytes) + 2 * blockBytes);

function headerBlock(name: Buffer, sizeBytes: number, mtimeS: number, type: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  name.copy(block, 0, 0, nameBytesMost);
  const octal = (at: number, digits: number, value: number) =>
    block.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "latin1");
  octal(100, 7, 0o644);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, sizeBytes);
  octal(136, 11, mtimeS);
  block.write(type, 156, "latin1");
  block.write("ustar\0" + "00", 257, "latin1");
  block.fill(" ", 148, 156);
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

export interface FirstEntry {
  readonly isFile: boolean;
  readonly sizeBytes: number;
  /** A regular file's bytes, and then reads to the archive's end; ends early where that comes. */
  bytes(): AsyncGenerator<Buffer, void, void>;
}

/** The first entry of an archive that comes in pieces; undefined where there is none. Throws for what is no archive. */
export async function readFirstEntry(pieces: AsyncIterable<Buffer>): Promise<FirstEntry | undefined> {
  const reader = new PieceReader(pieces[Symbol.asyncIterator]());
  let paxSize: number | undefined;
  for (;;) {
    const block = await reader.take(blockBytes);
    if (block === undefined || block.every((byte) => byte === 0)) return undefined;
    if (octalOf(block, 148, 8) !== checksum(block)) throw new Error("what came is no archive of tar");
    const type = String.fromCharCode(block[156] ?? 0);
    const sizeBytes = sizeOf(block);
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      if (sizeBytes > extraBytesMost) throw new Error(`an entry's names have ${sizeBytes} bytes`);
      const extra = await reader.take(sizeBytes + paddingOf(sizeBytes));
      if (extra === undefined) return undefined;
      if (type === "x") paxSize = paxSizeOf(extra.subarray(0, sizeBytes).toString("utf8"));
      continue;
    }
    const size = paxSize ?? sizeBytes;
    return {
      isFile: type === "0" || type === "\0" || type === "7",
      sizeBytes: size,
      bytes: () => reader.passLast(size),
    };
  }
}

const paddingOf = (bytes: number): number => (blockBytes - (bytes % blockBytes)) % blockBytes;

/** The sum of a header's bytes, those of the sum itself counted as spaces. */
function checksum(block: Buffer): number {
  let sum = 0;
  for (const [at, byte] of block.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
  return sum;
}

function octalOf(block: Buffer, at: number, length: number): number {
  const text = block
    .toString("latin1", at, at + length)
    .replace(/[\0 ]+$/, "")
    .trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

/** Octal digits, or GNU's big-endian bytes behind a set first bit. */
function sizeOf(block: Buffer): number {
  const isBinary = ((block[124] ?? 0) & 0x80) !== 0;
  const size = isBinary ? Number(block.readBigUInt64BE(128)) : octalOf(block, 124, 12);
  if (!Number.isSafeInteger(size) || size < 0) throw new Error("an entry's size is no number");
  return size;
}

function paxSizeOf(records: string): number | undefined {
  const text = /(?:^|\n)\d+ size=(\d{1,15})\n/.exec(records)?.[1];
  return text === undefined ? undefined : Number(text);
}

class PieceReader {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(pieces: AsyncIterator<Buffer>) {
    this.#pieces = pieces;
  }

  /** So many bytes; undefined where there are fewer. */
  async take(bytes: number): Promise<Buffer | undefined> {
    const taken: Buffer[] = [];
    for await (const piece of this.pass(bytes)) taken.push(piece);
    const whole = Buffer.concat(taken);
    return whole.length === bytes ? whole : undefined;
  }

  /** Passes so many, and lets go of what follows. Throws where that has no end. */
  async *passLast(bytes: number): AsyncGenerator<Buffer, void, void> {
    yield* this.pass(bytes);
    for (let left = afterEntryBytesMost; left > 0; ) {
      const { value, done } = await this.#pieces.next();
      if (done) return;
      left -= value.length;
    }
    throw new Error("the archive goes on behind its only entry");
  }

  async *pass(bytes: number): AsyncGenerator<Buffer, void, void> {
    for (let left = bytes; left > 0; ) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#pieces.next();
        if (done) return;
        this.#rest = value;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
