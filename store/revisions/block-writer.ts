import { assert } from "../../base/assert.ts";
import {
  blockHeadBytes,
  Chunk,
  payloadBytesMax,
  type RevisionRow,
  rowHeadBytes,
  writeBlockHead,
  writeRow,
} from "./row-format.ts";

/** Rows in memory, laid down as they go to the file. */
export interface Block {
  readonly chunk: Chunk;
  /** Where its head stands in the chunk. */
  readonly start: number;
  /** With the head. */
  bytes: number;
  rows: number;
  /** Of its first row. */
  readonly main: number;
  readonly sub: number;
}

export interface BlockSizes {
  /** A block is full at this size: what is read for one row, and what one checksum covers. */
  readonly blockBytes: number;
  /** Memory for blocks is taken in such pieces. */
  readonly chunkBytes: number;
}

/** Lays rows down one after the other; blocks of one chunk follow each other without a gap, as they will in the file. */
export class BlockWriter {
  readonly #sizes: BlockSizes;
  #chunk: Chunk | undefined;
  #used = 0;
  #open: Block | undefined;

  constructor(sizes: BlockSizes) {
    this.#sizes = sizes;
  }

  /** Answers the block that holds the row now. Views of the rows before it stay as they are. */
  append(row: RevisionRow): Block {
    assert(row.value.length <= payloadBytesMax, "revisions: a row is too long");
    const rowBytes = rowHeadBytes + row.value.length;
    const block = this.#blockFor(rowBytes, row);
    writeRow(block.chunk, this.#used, row);
    this.#used += rowBytes;
    block.bytes += rowBytes;
    block.rows++;
    return block;
  }

  /** The next row begins a block. */
  seal(): void {
    this.#open = undefined;
  }

  #blockFor(rowBytes: number, { main, sub }: RevisionRow): Block {
    const { blockBytes, chunkBytes } = this.#sizes;
    const open = this.#open;
    if (open !== undefined && open.bytes + rowBytes <= blockBytes && this.#fits(rowBytes)) return open;
    const neededBytes = blockHeadBytes + rowBytes;
    if (!this.#fits(neededBytes)) {
      this.#chunk = new Chunk(Buffer.allocUnsafeSlow(Math.max(chunkBytes, neededBytes)));
      this.#used = 0;
    }
    const chunk = this.#chunk as Chunk;
    const block: Block = { chunk, start: this.#used, bytes: blockHeadBytes, rows: 0, main, sub };
    this.#used += blockHeadBytes;
    this.#open = block;
    return block;
  }

  #fits(bytes: number): boolean {
    return this.#chunk !== undefined && this.#used + bytes <= this.#chunk.bytes.length;
  }
}

/** Completes the heads, and answers the bytes for the file, neighbours of one chunk as one piece. */
export function sealedBytes(blocks: readonly Block[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < blocks.length; ) {
    const first = blocks[at] as Block;
    let end = first.start;
    for (
      let next = blocks[at];
      next !== undefined && next.chunk === first.chunk && next.start === end;
      next = blocks[at]
    ) {
      const { chunk, start, bytes, rows, main, sub } = next;
      writeBlockHead(chunk, start, { bodyBytes: bytes - blockHeadBytes, rows, main, sub });
      end += bytes;
      at++;
    }
    pieces.push(first.chunk.bytes.subarray(first.start, end));
  }
  return pieces;
}
