import { type Block, type BlockFile, timesOf } from "./blocks.ts";
import { openBlocks } from "./open-blocks.ts";
import { recordFormats } from "./record.ts";
import { type FoundLine, type ScanPlan, scanBlock } from "./scan-block.ts";
import type { LogFile, LogSource } from "./sources.ts";

export type Order = "newest" | "oldest";

export interface CursorParts {
  readonly source: LogSource;
  readonly plan: ScanPlan;
  readonly order: Order;
  /** Folders that files may be moved to meanwhile. */
  readonly elsewhere: readonly string[];
  /** Told of each block's bytes. */
  readonly onRead: (bytes: number) => void;
}

/** Walks through one log in time's order or against it, a block at a time. Only one block is held, and only one file is open. */
export class SourceCursor {
  readonly source: LogSource;
  readonly #parts: CursorParts;
  /** What is still to be walked through, the next at the end. */
  readonly #files: LogFile[];
  #open: { readonly file: BlockFile; readonly left: Block[] } | undefined;
  #block: Buffer | undefined;
  /** The next at the end. */
  #found: FoundLine[] = [];

  constructor(parts: CursorParts) {
    this.#parts = parts;
    this.source = parts.source;
    const { sinceUs } = parts.plan;
    // Nothing is written to a file before it was last written to; clocks that are set are given a minute.
    const wanted = parts.source.files.filter(({ modifiedMs }) => (modifiedMs + 60_000) * 1000 >= sinceUs);
    this.#files = parts.order === "newest" ? wanted : wanted.reverse();
  }

  /** The time of the line that comes next, or one that none is beyond. Undefined: there is no more. */
  get boundUs(): number | undefined {
    const line = this.#found.at(-1);
    if (line !== undefined) return line.timeUs;
    const isNewest = this.#parts.order === "newest";
    const block = this.#open?.left.at(-1);
    if (block !== undefined) {
      const { leastUs, mostUs } = timesOf(block);
      return isNewest ? mostUs : leastUs;
    }
    const file = this.#files.at(-1);
    if (file === undefined) return undefined;
    // Not opened before the merge comes to it.
    return isNewest ? (file.modifiedMs + 1_000) * 1000 : Number.NEGATIVE_INFINITY;
  }

  /** A line that is next for certain, as the merge has it; undefined: `advance` first. */
  get line(): FoundLine | undefined {
    return this.#found.at(-1);
  }

  /** Of the line. */
  get block(): Buffer {
    return this.#block ?? Buffer.alloc(0);
  }

  take(): void {
    this.#found.pop();
    if (this.#found.length === 0) this.#block = undefined;
  }

  /** Opens a file or reads a block. */
  advance(): void {
    const { plan, order, source, elsewhere, onRead } = this.#parts;
    if (this.#open === undefined) {
      const file = this.#files.pop();
      const opened = file && openBlocks(file, source.format, elsewhere);
      if (opened === undefined) return;
      const left = opened.blocks.filter((block) => {
        const { leastUs, mostUs } = timesOf(block);
        return !(mostUs < plan.sinceUs || leastUs >= plan.untilUs);
      });
      if (order === "oldest") left.reverse();
      this.#open = { file: opened, left };
    }
    const { file, left } = this.#open;
    const block = left.pop();
    if (block !== undefined) {
      const bytes = file.read(block);
      onRead(bytes.length);
      const found = scanBlock(bytes, recordFormats[source.format], plan);
      this.#found = order === "oldest" ? found.reverse() : found;
      this.#block = found.length > 0 ? bytes : undefined;
    }
    if (left.length === 0) {
      file.close();
      this.#open = undefined;
    }
  }

  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
  }
}
