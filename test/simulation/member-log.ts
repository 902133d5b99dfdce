import { crc32c } from "../../base/crc32c.ts";
import type { DurableLog } from "../../store/driver/seams.ts";
import type { Entry, EntryId, Index, SnapshotMeta } from "../../store/raft/types.ts";

export interface LoggedEntry extends Entry {
  /** A hash of this entry and all before it. */
  readonly chain: number;
}

export type LogBatch = Parameters<DurableLog["append"]>[0];

export interface MemberLogListener {
  /** An entry is about to be written; `before` is the one it follows, if this log still knows it. */
  written(entry: LoggedEntry, before: EntryId): void;
  /** What the disk was asked to keep, before it has said that it does. */
  writing(batch: LogBatch): void;
  /** The disk has said that it keeps the batch. */
  kept(batch: LogBatch): void;
  /** The hash of everything up to a committed entry, for a log that begins after it. */
  chainAt(at: EntryId): number | undefined;
}

/** Between driver and disk: hands everything on, and remembers the log as the member believes it to be. */
export class MemberLog implements DurableLog {
  readonly #disk: DurableLog;
  #listener: MemberLogListener | undefined;
  #base: EntryId & { chain: number | undefined };
  #entries: LoggedEntry[] = [];
  /** Called before the mark of a snapshot that replaced the state is written. False: the process died of it. */
  beforeMark: () => boolean = () => true;
  readonly #recovered: readonly Entry[];

  constructor(disk: DurableLog, recovered: { snapshot: SnapshotMeta; entries: readonly Entry[] }) {
    this.#disk = disk;
    this.#recovered = recovered.entries;
    const { index, term } = recovered.snapshot;
    this.#base = { index, term, chain: index === 0 ? 0 : undefined };
  }

  /** Tells of what the disk held, and from now on of what is written. */
  listen(listener: MemberLogListener): void {
    this.#listener = listener;
    this.#base.chain ??= listener.chainAt(this.#base);
    this.#take(this.#recovered);
  }

  get lastIndex(): Index {
    return this.#base.index + this.#entries.length;
  }

  /** Undefined for what is not in the log (any more). */
  at(index: Index): LoggedEntry | undefined {
    return this.#entries[index - this.#base.index - 1];
  }

  async append(batch: LogBatch): Promise<void> {
    if (batch.snapshot !== undefined) {
      if (!this.beforeMark()) return await new Promise(() => undefined);
      const { index, term } = batch.snapshot;
      this.#base = { index, term, chain: this.#listener?.chainAt(batch.snapshot) };
      this.#entries = [];
    }
    this.#take(batch.entries);
    this.#listener?.writing(batch);
    await this.#disk.append(batch);
    if (batch.sync) this.#listener?.kept(batch);
  }

  markSnapshot(meta: SnapshotMeta): Promise<void> {
    return this.#disk.markSnapshot(meta);
  }

  #take(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index <= this.#base.index) continue;
      const before = this.at(entry.index - 1) ?? this.#base;
      this.#entries.length = entry.index - this.#base.index - 1;
      const logged = { ...entry, chain: chained(before.chain ?? 0, entry) };
      this.#entries.push(logged);
      this.#listener?.written(logged, before);
    }
  }
}

export function chained(before: number, { index, term, data }: Entry): number {
  const head = Buffer.allocUnsafe(12);
  head.writeUInt32LE(index, 0);
  head.writeUInt32LE(term, 4);
  head.writeUInt32LE(before, 8);
  return crc32c(crc32c(0, head), data) >>> 0;
}
