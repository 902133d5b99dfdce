import { must } from "../../base/assert.ts";
import type { Disk, DiskFile } from "../../base/os/disk.ts";
import { BlockTable } from "./block-table.ts";
import type { Block } from "./block-writer.ts";
import type { DeadRows } from "./dead-rows.ts";
import { damagedLog, ioFailure } from "./failure.ts";
import { type BlockHead, blockHeadBytes, Chunk, isWholeBlock } from "./row-format.ts";

/** The rows of one block: chunk bytes [start, end). */
export interface Body {
  readonly chunk: Chunk;
  readonly start: number;
  readonly end: number;
}

/** So many bytes are read at a time by whoever reads everything, unless one block has more. */
const runBytesMax = 256 * 1024;

/** One file of the log. Its last blocks may be in memory only; whatever is not in memory is in the file. */
export class Segment {
  readonly number: number;
  readonly path: string;
  readonly table = new BlockTable();
  endBytes = 0;
  rows = 0;
  dead: DeadRows | undefined;
  readonly #memory = new Map<number, Block>();
  #file: DiskFile | undefined;
  #users = 1;
  /** A bit for each block that was in the file when it was opened: whether its sum was found right since. What was written
   *  later needs none. */
  #checked: Uint8Array | undefined;

  constructor(number: number, path: string) {
    this.number = number;
    this.path = path;
  }

  /** The segment takes over the file. */
  set file(file: DiskFile) {
    this.#file = file;
  }
  get file(): DiskFile {
    return must(this.#file, "revisions: a block is neither in memory nor in a file");
  }

  /** Opens the file; answers true where that made it. */
  async create(disk: Disk): Promise<boolean> {
    if (this.#file !== undefined) return false;
    this.#file = await disk.open(this.path, { create: true });
    return true;
  }

  get liveBytes(): number {
    return this.endBytes - (this.dead?.bytes ?? 0);
  }

  /** A block of the file, or one with no row yet that is in memory. */
  begin(main: number, sub: number): void {
    this.table.add(this.endBytes, this.rows, main, sub);
    this.endBytes += blockHeadBytes;
  }

  /** The last block has so many more rows. */
  grow(bytes: number, rows: number): void {
    this.endBytes += bytes;
    this.rows += rows;
  }

  addFromFile({ main, sub, rows, bodyBytes }: BlockHead): void {
    this.begin(main, sub);
    this.grow(bodyBytes, rows);
  }

  /** The last block is in memory. */
  remember(block: Block): void {
    this.#memory.set(this.table.count - 1, block);
  }

  /** The blocks [first, end) are in the file now. */
  forget(first: number, end: number): void {
    for (let block = first; block < end; block++) this.#memory.delete(block);
  }

  inMemory(block: number): Body | undefined {
    const found = this.#memory.get(block);
    if (found === undefined) return undefined;
    return { chunk: found.chunk, start: found.start + blockHeadBytes, end: found.start + found.bytes };
  }

  /** Of a block with its head. */
  blockBytes(block: number): number {
    return this.#endOf(block) - this.table.offset(block);
  }

  /** All blocks that it has now were found in the file, and none was checked. */
  opened(): void {
    this.#checked = new Uint8Array((this.table.count + 7) >>> 3);
  }

  #isChecked(block: number): boolean {
    const bits = this.#checked?.[block >>> 3];
    return bits === undefined || (bits & (1 << (block & 7))) !== 0;
  }

  /** Reads one block, with its head, at once, to [start, end) of the chunk, and checks it: a disk may lose what it had. Throws
   *  BackendError. */
  readNow(block: number, chunk: Chunk, start: number, end: number): void {
    let readBytes: number;
    try {
      readBytes = this.file.readNow(this.table.offset(block), chunk.bytes.subarray(start, end));
    } catch (error) {
      throw ioFailure(error, this.path, "reading");
    }
    if (readBytes < end - start)
      throw damagedLog(this.path, `it ends within the block at ${this.table.offset(block)}`);
    this.#check(block, chunk, start, end);
  }

  #check(block: number, chunk: Chunk, start: number, end: number): void {
    if (!isWholeBlock(chunk, start, end))
      throw damagedLog(this.path, `the block at ${this.table.offset(block)} is not what was written`);
    const checked = this.#checked;
    if (checked !== undefined && block >>> 3 < checked.length)
      checked[block >>> 3] = (checked[block >>> 3] as number) | (1 << (block & 7));
  }

  /** Before which block, `limit` at the last, those end that are to be read together with `first`. */
  runEnd(first: number, limit: number): number {
    let end = first + 1;
    if (this.#memory.has(first)) return end;
    const offset = this.table.offset(first);
    while (end < limit && !this.#memory.has(end) && this.#endOf(end) - offset <= runBytesMax) end++;
    return end;
  }

  /** Reads a run of blocks, [first, end), and checks them. Rejects with BackendError. */
  async load(first: number, end: number): Promise<readonly Body[]> {
    const remembered = this.inMemory(first);
    if (remembered !== undefined) return [remembered];
    const offset = this.table.offset(first);
    // The ends as they are now: the last block may grow while it is read, if it is in memory.
    const starts = Array.from({ length: end - first }, (_, at) => this.table.offset(first + at) - offset);
    const runBytes = this.#endOf(end - 1) - offset;
    const chunk = new Chunk(await this.#read(offset, runBytes));
    return starts.map((start, at) => {
      const blockEnd = starts[at + 1] ?? runBytes;
      this.#check(first + at, chunk, start, blockEnd);
      return { chunk, start: start + blockHeadBytes, end: blockEnd };
    });
  }

  /** Reads those of its first so many blocks whose sums nobody has looked at. Rejects with BackendError. */
  async checkAll(blocks: number, pause: () => Promise<void>, isStopped: () => boolean): Promise<void> {
    for (let first = 0; first < blocks && !isStopped(); ) {
      if (this.#isChecked(first)) {
        first++;
        continue;
      }
      const end = this.runEnd(first, blocks);
      await this.load(first, end);
      await pause();
      first = end;
    }
  }

  async #read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    try {
      return await this.file.read(offset, lengthBytes);
    } catch (error) {
      throw ioFailure(error, this.path, "reading");
    }
  }

  #endOf(block: number): number {
    return block + 1 < this.table.count ? this.table.offset(block + 1) : this.endBytes;
  }

  /** Somebody reads it; the file stays open until all have let go of it. */
  use(): void {
    this.#users++;
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

/** The segment that holds a revision if any does. `segments` are in the order of revisions. */
export function segmentAt(segments: readonly Segment[], main: number, sub: number): Segment | undefined {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((segments[middle] as Segment).table.compare(0, main, sub) <= 0) low = middle + 1;
    else high = middle;
  }
  return segments[low - 1];
}
