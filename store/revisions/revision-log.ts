import { join } from "node:path";
import { assert, must } from "../../base/assert.ts";
import { Slabs } from "../../base/slabs.ts";
import type { Write } from "../backend/backend.ts";
import { BlockCache } from "./block-cache.ts";
import { type Block, BlockWriter, sealedBytes } from "./block-writer.ts";
import type { CheckpointMark, CheckpointOf, CheckpointPages } from "./checkpoint.ts";
import { dropRows, type Points } from "./drop-rows.ts";
import { ioFailure } from "./failure.ts";
import { KeptCheckpoint } from "./kept-checkpoint.ts";
import type { RevisionLogConfig, RevisionLogParts } from "./log-config.ts";
import { deadKey, markKey, markRow, segmentFileName } from "./marks.ts";
import type { OpenedSegments } from "./open-segments.ts";
import { isMostlyDead, rewriteSegments, runsToRewrite } from "./rewrite.ts";
import {
  blockHeadBytes,
  Chunk,
  compareRevisions,
  findRow,
  type PlacedRow,
  type RevisionRow,
  readRow,
  rowHeadBytes,
} from "./row-format.ts";
import { Segment, segmentAt } from "./segment.ts";
import { type RevisionRange, type SegmentView, visitRows, walkRows } from "./walk.ts";

/** The database that the log belongs to. */
export interface MarkKeeper {
  /** Saves rows of `marks.ts` as a group of their own. */
  save(marks: readonly Write[]): void;
  /** Resolves when all that was saved is durable. */
  durable(): Promise<void>;
}

/** Blocks that go to the files together, and the marks that are true once they are durable. */
export interface Cut {
  readonly bytes: number;
  readonly marks: readonly Write[];
  readonly parts: readonly CutPart[];
}

interface CutPart {
  readonly segment: Segment;
  /** Number of the first one. */
  readonly first: number;
  readonly blocks: readonly Block[];
}

export interface RevisionsView {
  pages(range: RevisionRange, rowsMax: number): AsyncIterable<readonly RevisionRow[]>;
  /** Shows every row to `visit`, in order; it is filled in anew for each. */
  visit(visit: (row: PlacedRow) => void): Promise<void>;
  /** The same of the rows behind a revision, and of those among them that compactions dropped and the files still hold. */
  visitBehind(revision: number, visit: (row: PlacedRow) => void): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Rows that are gathered apart, over many turns, and then join the log at once. */
export interface RevisionStage {
  append(row: RevisionRow): void;
  join(): void;
}

/** Rows in the order of their revisions: appended, read, dropped by compactions, never changed. */
export class RevisionLog {
  readonly #config: RevisionLogConfig;
  readonly #parts: RevisionLogParts;
  /** In the order of revisions; rows are appended to the last one. None is empty. */
  #segments: Segment[];
  #nextNumber: number;
  readonly #writer: BlockWriter;
  #openBlock: Block | undefined;
  /** Takes no more rows although it has room. */
  #ended: Segment | undefined;
  #last: Revision;
  /** Blocks since the last cut. */
  #uncut: CutPart[] = [];
  #uncutBytes = 0;
  /** Written blocks that are still in memory, oldest first. */
  readonly #recent: { readonly part: CutPart; readonly bytes: number }[] = [];
  #recentBytes = 0;
  readonly #cache: BlockCache;
  readonly #copies = new Slabs();
  #bytes = 0;
  #deadBytes = 0;
  #keeper: MarkKeeper | undefined;
  readonly #checkpoint: KeptCheckpoint;
  #checking: Promise<void> = Promise.resolve();
  /** Dropping and rewriting, one after the other. */
  #upkeep: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `segments` are those of `openSegments`. */
  constructor(
    config: RevisionLogConfig,
    parts: RevisionLogParts,
    { segments, nextNumber, last, checkpoint }: OpenedSegments,
  ) {
    this.#config = config;
    this.#parts = parts;
    this.#segments = [...segments];
    this.#nextNumber = nextNumber;
    this.#last = last;
    this.#checkpoint = new KeptCheckpoint(parts, checkpoint);
    this.#writer = new BlockWriter(config);
    this.#cache = new BlockCache(config.cacheBytesMax, config.blockBytes);
    for (const { endBytes, dead } of segments) {
      this.#bytes += endBytes;
      this.#deadBytes += dead?.bytes ?? 0;
    }
  }

  attach(keeper: MarkKeeper): void {
    this.#keeper = keeper;
  }

  /** In files and in memory. */
  get sizeBytes(): number {
    return this.#bytes;
  }
  /** Of rows that are dropped and still in files. */
  get deadBytes(): number {
    return this.#deadBytes;
  }
  /** Of rows since the last cut. */
  get uncutBytes(): number {
    return this.#uncutBytes;
  }

  /** Revisions rise. The bytes are copied. */
  append(row: RevisionRow): void {
    this.#rise(row);
    const block = this.#writer.append(row);
    if (block !== this.#openBlock) this.#begin(block);
    const bytes = rowHeadBytes + row.value.length;
    must(this.#segments.at(-1), "revisions: a block lies in a segment").grow(bytes, 1);
    this.#bytes += bytes;
    this.#uncutBytes += bytes;
  }

  stage(): RevisionStage {
    const writer = new BlockWriter(this.#config);
    const blocks: Block[] = [];
    let last: RevisionRow | undefined;
    return {
      append: (row) => {
        const block = writer.append(row);
        if (block !== blocks.at(-1)) blocks.push(block);
        last = row;
      },
      join: () => {
        this.#seal();
        for (const block of blocks) {
          this.#rise(block);
          this.#begin(block);
          const bytes = block.bytes - blockHeadBytes;
          must(this.#segments.at(-1), "revisions: a block lies in a segment").grow(bytes, block.rows);
          this.#bytes += bytes;
          this.#uncutBytes += bytes;
        }
        if (last !== undefined) this.#last = last;
        this.#openBlock = undefined;
      },
    };
  }

  /** The encoded KeyValue of a row; dropped ones may still be there. Throws BackendError. */
  get(main: number, sub: number): Uint8Array | undefined {
    const segment = segmentAt(this.#segments, main, sub);
    const block = segment?.table.find(main, sub) ?? -1;
    if (segment === undefined || block < 0) return undefined;
    const body = segment.inMemory(block);
    if (body !== undefined) {
      const at = findRow(body.chunk, body.start, body.end, main, sub);
      return at < 0 ? undefined : readRow(body.chunk, at).value;
    }
    const bytes = segment.blockBytes(block);
    if (bytes > this.#cache.blockBytesMax) return largeRow(segment, block, main, sub);
    const { chunk, start } = this.#cached(segment, block, bytes);
    const at = findRow(chunk, start + blockHeadBytes, start + bytes, main, sub);
    if (at < 0) return undefined;
    const { value } = readRow(chunk, at);
    const copy = this.#copies.take(value.length);
    copy.set(value);
    return copy;
  }

  view(): RevisionsView {
    const { pause, faults } = this.#parts;
    const views = this.#segments.map(viewOf);
    for (const { segment } of views) segment.use();
    let closing: Promise<unknown> | undefined;
    return {
      pages: (range, rowsMax) => walkRows(views, range, rowsMax, pause),
      visit: (visit) => visitRows(views, visit, pause),
      visitBehind: (revision, visit) => {
        const seen = faults?.skipDropped ? views : views.map((view) => ({ ...view, dead: undefined }));
        return visitRows(seen, visit, pause, { main: revision + 1, sub: 0 });
      },
      close: async () => {
        closing ??= Promise.all(views.map(({ segment }) => segment.release()));
        await closing;
      },
    };
  }

  /** Ends the open block; undefined where nothing was appended since the last cut. */
  cut(): Cut | undefined {
    this.#seal();
    const parts = this.#uncut;
    if (parts.length === 0) return undefined;
    const bytes = this.#uncutBytes;
    this.#uncut = [];
    this.#uncutBytes = 0;
    const marks = parts.map(({ segment, first, blocks }) =>
      markRow({ segment: segment.number, endBytes: endAfter(segment, first + blocks.length) }),
    );
    return { bytes, marks, parts };
  }

  /** Whatever came since the last cut never gets to a file. To be called before the log is closed. */
  forgetUncut(): void {
    this.#seal();
    this.#uncut = [];
    this.#uncutBytes = 0;
  }

  /** Makes a cut durable. To be called in the order of the cuts. Rejects with BackendError. */
  async write(cut: Cut): Promise<void> {
    let isNew = false;
    for (const { segment, first, blocks } of cut.parts) {
      try {
        if (await segment.create(this.#parts.disk)) isNew = true;
        await segment.file.write(segment.table.offset(first), sealedBytes(blocks));
        await segment.file.sync();
      } catch (error) {
        throw ioFailure(error, segment.path, "writing");
      }
    }
    if (isNew) await this.#syncFolder();
    for (const part of cut.parts) this.#written(part);
  }

  /** Marks rows as dropped by a compaction, in the order of their revisions, so that a crash in between leaves no row whose
   *  successor is gone. Resolves to false when the log was stopped before all were marked. Rejects with BackendError. */
  async drop(points: Points): Promise<boolean> {
    await this.#exclusively(async () => {
      const { pause } = this.#parts;
      for await (const { segment, dead } of dropRows(this.#segments, points, pause)) {
        if (this.#stopped) return;
        this.#deadBytes += dead.bytes - (segment.dead?.bytes ?? 0);
        segment.dead = dead;
        this.#keeperOf().save([[deadKey(segment.number), dead.encode()]]);
      }
    });
    return !this.#stopped;
  }

  /** Gives back the space of dropped rows, in segments where it pays ("mostly") or wherever there is one ("any"). Rejects with
   *  BackendError: what it could not rewrite is as it was. */
  rewrite(which: "mostly" | "any"): Promise<void> {
    return this.#exclusively(async () => {
      if (!this.#segments.some(({ dead }) => dead !== undefined)) return;
      if (which === "any") this.#endSegment();
      const full = this.#segments.filter((segment) => this.#isFull(segment));
      await this.#keeperOf().durable(); // then all of what is rewritten stands in files
      const wanted = which === "any" ? ({ dead }: Segment) => dead !== undefined : isMostlyDead;
      for (const run of runsToRewrite(full, wanted, this.#config.segmentBytes)) {
        if (this.#stopped) return;
        await this.#replace(run);
      }
    });
  }

  /** Of the key index, for one. */
  get checkpoint(): CheckpointMark | undefined {
    return this.#checkpoint.mark;
  }

  /** Shows the pages of the checkpoint to `take`, as bytes [start, end). Rejects with CheckpointError where it cannot be used. */
  readCheckpoint(take: (bytes: Uint8Array, start: number, end: number) => void): Promise<void> {
    return this.#checkpoint.read(this.#last.main, take);
  }

  /** Writes a checkpoint and lets it take the place of the one before. Whatever it tells of must be in the log by then, in whole
   *  groups. Resolves to false when the log was stopped before, or the pages broke off. Rejects with BackendError; then the one
   *  before stays. */
  async saveCheckpoint(of: CheckpointOf, pages: CheckpointPages): Promise<boolean> {
    let isSaved = false;
    await this.#exclusively(async () => {
      const number = this.#nextNumber++;
      const endBytes = await this.#checkpoint.write(number, pages, () => this.#stopped);
      if (endBytes === undefined) return;
      const { removeFormer, row } = this.#checkpoint.replace({ number, endBytes, ...of });
      this.#keeperOf().save([row]);
      await this.#keeperOf().durable();
      isSaved = true;
      await removeFormer();
    });
    return isSaved;
  }

  /** Checks the sums of what nobody has read yet, in short turns. Rejects with BackendError where one is wrong. */
  check(pause: () => Promise<void>): Promise<void> {
    const views = this.#segments.map(viewOf);
    for (const { segment } of views) segment.use();
    const checked = (async () => {
      try {
        for (const { segment, blocks } of views) await segment.checkAll(blocks, pause, () => this.#stopped);
      } finally {
        await Promise.all(views.map(({ segment }) => segment.release()));
      }
    })();
    this.#checking = checked.catch(() => undefined); // whoever asked hears of it
    return checked;
  }

  /** Ends upkeep after the slice at hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#upkeep;
    await this.#checking;
  }

  /** Views that are still open keep their files. */
  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.#segments.map((segment) => segment.release()));
  }

  async #replace(run: readonly Segment[]): Promise<void> {
    const { folder, disk, pause, faults } = this.#parts;
    const number = this.#nextNumber++;
    const fresh = new Segment(number, join(folder, segmentFileName(number)));
    const isWhole = await rewriteSegments(run.map(viewOf), fresh, {
      disk,
      pause,
      sizes: this.#config,
      isStopped: () => this.#stopped,
      syncs: faults?.switchBeforeSync !== true,
    });
    if (!isWhole) return;
    const replacement = fresh.rows > 0 ? [fresh] : [];
    const at = this.#segments.indexOf(run[0] as Segment);
    const behind = this.#segments[at + run.length];
    this.#segments.splice(at, run.length, ...replacement);
    for (const { endBytes, dead } of run) {
      this.#bytes -= endBytes;
      this.#deadBytes -= dead?.bytes ?? 0;
    }
    this.#bytes += fresh.endBytes;
    const ended = this.#checkpoint.endIfRewritten(behind?.table.main(0));
    this.#keeperOf().save([
      ...(ended === undefined ? [] : [ended.row]),
      ...run.flatMap(({ number: old }): Write[] => [
        [markKey(old), undefined],
        [deadKey(old), undefined],
      ]),
      ...replacement.map(({ endBytes }) => markRow({ segment: number, endBytes })),
    ]);
    await this.#keeperOf().durable();
    for (const segment of run) await segment.release();
    for (const { path } of run) await disk.remove(path);
    await ended?.remove();
  }

  #exclusively(act: () => Promise<void>): Promise<void> {
    const done = this.#upkeep.then(() => (this.#stopped ? undefined : act()));
    this.#upkeep = done.catch(() => undefined); // whoever asked hears of it
    return done;
  }

  #keeperOf(): MarkKeeper {
    return must(this.#keeper, "revisions: the log belongs to no database");
  }

  #rise({ main, sub }: Revision): void {
    assert(compareRevisions(main, sub, this.#last.main, this.#last.sub) > 0, "revisions: they must rise");
    this.#last = { main, sub };
  }

  #begin(block: Block): void {
    const last = this.#segments.at(-1);
    const segment = last === undefined || this.#isFull(last) ? this.#newSegment() : last;
    segment.begin(block.main, block.sub);
    segment.remember(block);
    this.#bytes += blockHeadBytes;
    this.#uncutBytes += blockHeadBytes;
    this.#openBlock = block;
    const part = this.#uncut.at(-1);
    if (part?.segment === segment) (part.blocks as Block[]).push(block);
    else this.#uncut.push({ segment, first: segment.table.count - 1, blocks: [block] });
  }

  #newSegment(): Segment {
    const number = this.#nextNumber++;
    const segment = new Segment(number, join(this.#parts.folder, segmentFileName(number)));
    this.#segments.push(segment);
    return segment;
  }

  #endSegment(): void {
    this.#seal();
    this.#ended = this.#segments.at(-1);
  }

  #isFull(segment: Segment): boolean {
    const isLast = segment === this.#segments.at(-1);
    return !isLast || segment === this.#ended || segment.endBytes >= this.#config.segmentBytes;
  }

  #seal(): void {
    this.#writer.seal();
    this.#openBlock = undefined;
  }

  /** Where the block stands in memory until the next call. */
  #cached(segment: Segment, block: number, bytes: number): { readonly chunk: Chunk; readonly start: number } {
    const cache = this.#cache;
    const id = segment.number * blocksPerSegmentMax + block;
    let start = cache.find(id);
    if (start < 0) {
      start = cache.room();
      segment.readNow(block, cache.chunk, start, start + bytes);
      cache.keep(id);
    }
    return { chunk: cache.chunk, start };
  }

  #written(part: CutPart): void {
    const bytes = part.blocks.reduce((sum, block) => sum + block.bytes, 0);
    this.#recent.push({ part, bytes });
    this.#recentBytes += bytes;
    while (this.#recentBytes > this.#config.recentBytesMax) {
      const oldest = this.#recent.shift();
      if (oldest === undefined) return;
      const { segment, first, blocks } = oldest.part;
      segment.forget(first, first + blocks.length);
      this.#recentBytes -= oldest.bytes;
    }
  }

  async #syncFolder(): Promise<void> {
    const { folder, disk } = this.#parts;
    try {
      await disk.syncFolder(folder);
    } catch (error) {
      throw ioFailure(error, folder, "writing");
    }
  }
}

const blocksPerSegmentMax = 2 ** 24;

export interface Revision {
  readonly main: number;
  readonly sub: number;
}

/** A row that has a block of its own. */
function largeRow(segment: Segment, block: number, main: number, sub: number): Uint8Array | undefined {
  const bytes = segment.blockBytes(block);
  const chunk = new Chunk(Buffer.allocUnsafeSlow(bytes));
  segment.readNow(block, chunk, 0, bytes);
  const at = findRow(chunk, blockHeadBytes, bytes, main, sub);
  return at < 0 ? undefined : readRow(chunk, at).value;
}

function viewOf(segment: Segment): SegmentView {
  return { segment, blocks: segment.table.count, rows: segment.rows, dead: segment.dead };
}

/** Where the blocks before `block` end. */
function endAfter({ table, endBytes }: Segment, block: number): number {
  return block < table.count ? table.offset(block) : endBytes;
}
