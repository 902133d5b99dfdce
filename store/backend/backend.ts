import type { CheckpointMark, CheckpointOf, CheckpointPages } from "../revisions/checkpoint.ts";
import type { Points } from "../revisions/drop-rows.ts";
import type { RevisionStage } from "../revisions/revision-log.ts";
import type { PlacedRow, RevisionRow } from "../revisions/row-format.ts";

/** The buckets of etcd's database and the byte each one's keys begin with in a flat key space. */
export const bucketPrefixes = {
  key: "k",
  meta: "m",
  lease: "l",
  members: "n",
  members_removed: "r",
  cluster: "c",
  alarm: "a",
  auth: "u",
  authUsers: "v",
  authRoles: "w",
} as const;
export type Bucket = keyof typeof bucketPrefixes;
/** Those whose rows change in place. The rows of `key` are revisions: they are appended, and go when compactions drop them. */
export type SmallBucket = Exclude<Bucket, "key">;
export const bucketNames = Object.keys(bucketPrefixes) as readonly Bucket[];

/** A row; the key is a byte string (latin1). */
export interface Row {
  readonly key: string;
  readonly value: Uint8Array;
}

/** [from, to); `to` absent: to the end of the bucket. */
export interface RowRange {
  readonly from?: string;
  readonly to?: string;
}

/** Rows of one bucket in byte order, in pages of at most `rowsMax`, as they were when the walk began. */
export type Pages = AsyncIterable<readonly Row[]>;

/** The state of the backend at one commit. Close it: the base keeps old data for it. */
export interface View {
  pages(bucket: Bucket, range?: RowRange, rowsMax?: number): Pages;
  close(): Promise<void>;
}

/** What the state stages need of storage. Reading one value, writing and committing are synchronous: they happen in
 *  memory. Implemented by `LayeredBackend` over any base. */
export interface Backend {
  get(bucket: SmallBucket, key: string): Uint8Array | undefined;
  put(bucket: SmallBucket, key: string, value: Uint8Array): void;
  /** Like `put`, for a row that goes along with the effects of a group; where there are none it makes no group of them. */
  stamp(bucket: SmallBucket, key: string, value: Uint8Array): void;
  delete(bucket: SmallBucket, key: string): void;
  /** The encoded KeyValue of a revision; undefined where there is none. */
  revision(main: number, sub: number): Uint8Array | undefined;
  /** Shows every revision to `visit`, in order; it is filled in anew for each. */
  visitRevisions(visit: (row: PlacedRow) => void): Promise<void>;
  /** What a checkpoint tells of, if there is one. */
  readonly checkpoint: CheckpointMark | undefined;
  /** Shows the pages of the checkpoint to `take`, as bytes [start, end). Rejects with CheckpointError, or with what `take`
   *  throws, where it cannot be used: all of it stands in the revisions, too. */
  readCheckpoint(take: (bytes: Uint8Array, start: number, end: number) => void): Promise<void>;
  /** Shows the revisions behind this one to `visit`, in order, and those among them that compactions dropped and that are
   *  still there. Of what was dropped before a checkpoint's revision was reached, all that is behind it is. */
  visitBehind(revision: number, visit: (row: PlacedRow) => void): Promise<void>;
  /** Writes a checkpoint in place of the one before. The pages may tell of all that was committed when they are asked for.
   *  Resolves to false where it was not written; then the one before stays. */
  saveCheckpoint(of: CheckpointOf, pages: CheckpointPages): Promise<boolean>;
  /** Checks what stands on disk and nobody has read yet, in short turns; damage is told as any failure. */
  check(pause: () => Promise<void>): Promise<void>;
  /** Adds a revision, behind all others. */
  append(row: RevisionRow): void;
  /** Begins to gather many revisions apart, over several turns of the event loop; nobody sees them before they join, between
   *  two groups, as the first of the next. */
  stage(): RevisionStage;
  /** Takes revisions out that a compaction drops, in groups of their own, over several turns. A crash in between leaves no
   *  revision whose successor is gone. Resolves to false when the backend was closed or failed before all were out. */
  drop(points: Points): Promise<boolean>;
  /** Begins to give back the space of dropped revisions where that is much. Where it fails, nothing is lost or changed. */
  reclaim(): void;
  /** Ends a group of writes: they reach the disk together or not at all. */
  commit(): void;
  /** Must not be called between a write and its commit. */
  snapshot(): View;
  /** A walk over the state as it is now. */
  pages(bucket: Bucket, range?: RowRange, rowsMax?: number): Pages;
  /** Makes everything committed so far durable. Rejects with BackendError. */
  flush(): Promise<void>;
  /** Flushes and gives back the space of what was overwritten and deleted. Rejects with BackendError. */
  defragment(): Promise<void>;
  /** Undefined while there is room for more writes; else resolves when there is. Rejects with BackendError. */
  room(): Promise<void> | undefined;
  /** Bytes on disk and waiting in memory; of small rows, what is measured on disk may be a few seconds old. */
  readonly sizeBytes: number;
  /** Without those of dropped revisions. */
  readonly sizeInUseBytes: number;
  readonly pendingBytes: number;
  /** Flushes and closes. Views that are still open break. */
  close(): Promise<void>;
  /** Closes, without a flush, as soon as nobody has a view open; for a database that another has replaced. */
  retire(): Promise<void>;
}

/** What the key index is built of, and HashKV. */
export type StoredRevisions = Pick<
  Backend,
  "get" | "visitRevisions" | "checkpoint" | "readCheckpoint" | "visitBehind"
>;

/** The environment's fault, with a line for the operator: what happened, where, and what to do. */
export class BackendError extends Error {
  override readonly name = "BackendError";
  readonly reason: "locked" | "corrupt" | "no-space" | "io";

  constructor(reason: BackendError["reason"], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** One write of a batch: absent value means delete. Keys carry their bucket's prefix. */
export type Write = readonly [key: string, value: Uint8Array | undefined];

/** What lies under the layers: a flat, ordered key space. What is there when it was opened is durable, whoever wrote it. */
export interface Base {
  get(key: string): Uint8Array | undefined;
  /** One atomic batch, in pages that are short enough to be handed over at a stretch. With `sync` the batch is durable when it
   *  resolves, which says nothing of batches before it that were not synced: a power cut may take any of them, in the middle
   *  too. Calls do not overlap. */
  write(pages: Iterable<readonly Write[]>, options: { readonly sync: boolean }): Promise<void>;
  view(): BaseView;
  /** Gives back the space of what was overwritten and deleted. */
  compact(): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

export interface BaseView {
  /** Rows of [from, to) in order. */
  pages(from: string, to: string, rowsMax: number): Pages;
  close(): Promise<void>;
}
