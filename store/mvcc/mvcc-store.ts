import { assert } from "../../base/assert.ts";
import { type Log, silentLog } from "../../base/os/log.ts";
import type { Sliced } from "../../base/slices.ts";
import { latin1 } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import { StoreError } from "../errors.ts";
import type { Revision } from "../revisions/revision-key.ts";
import { DeletionChange, PutChange, type StoredChange } from "./change.ts";
import { type CheckpointLimits, Checkpoints, checkpointLimits } from "./checkpoints.ts";
import { CompactionRun } from "./compaction.ts";
import { CompactionHashes } from "./compaction-hashes.ts";
import type { KeyIndex, Span } from "./key-index.ts";
import { type KeyRecords, marks } from "./key-records.ts";
import { encodePut, encodeTombstone, type KeyValueParts } from "./key-value.ts";
import type { CompactionMetrics } from "./metrics.ts";
import { Pins } from "./pins.ts";
import {
  type Found,
  type KeyOptions,
  type ReadOptions,
  readKey,
  readParts,
  readSpan,
  type SliceLimits,
  sliceLimits,
} from "./read.ts";
import type { RestoredMvcc } from "./restore.ts";
import { type CacheLimits, cacheLimits, ValueCache } from "./value-cache.ts";

/** Who remembers which key hangs on which lease; keys are byte strings. `store/lease` implements it. */
export interface KeyLeases {
  /** From now on the key hangs on `lease` (0n: on none). */
  move(key: string, lease: bigint): void;
  /** 0n: none. */
  leaseOf(key: string): bigint;
}

export interface MvccEvents {
  /** After each transaction that changed something, before anybody is answered. "many": too many to tell one by one; they
   *  stand in the history. */
  readonly onChanges: (revision: number, changes: readonly StoredChange[] | "many") => void;
}

/** Keys entered in the index's table at a stretch: less than a millisecond once warm. */
const listedKeys = 1_000;

export interface MvccParts extends MvccEvents {
  readonly leases: KeyLeases;
  /** Lets others run between two slices of background work. */
  readonly pause: () => Promise<void>;
  /** Calls `fire` after so many milliseconds; answers how to call that off. */
  readonly after: (delayMs: number, fire: () => void) => () => void;
  readonly limits?: SliceLimits;
  /** How many values are kept that were read lately. */
  readonly values?: CacheLimits;
  readonly metrics?: CompactionMetrics;
  readonly log?: Log;
  readonly checkpoints?: CheckpointLimits;
}

export class MvccStore {
  #backend: Backend;
  #index: KeyIndex;
  #revision: number;
  #compactRevision: number;
  readonly #parts: MvccParts;
  #values: ValueCache;
  #transaction: WriteTransaction | undefined;
  #compaction: CompactionRun;
  #checkpoints: Checkpoints;
  readonly #pins = new Pins();
  readonly compactionHashes = new CompactionHashes();
  #isStopped = false;
  /** Operations since the start, for metrics. */
  readonly counts = { puts: 0, putBytes: 0, deletes: 0, ranges: 0, txns: 0 };

  constructor(restored: RestoredMvcc, parts: MvccParts) {
    this.#parts = parts;
    this.#values = new ValueCache(parts.values ?? cacheLimits);
    this.#backend = restored.backend;
    this.#index = restored.index;
    this.#revision = restored.revision;
    this.#compactRevision = restored.compactRevision;
    const { compaction, checkpoints } = this.#upkeepOf(restored);
    this.#compaction = compaction;
    this.#checkpoints = checkpoints;
  }

  /** Enters the keys of a checkpoint in the index's table. */
  async #list(index: KeyIndex): Promise<void> {
    for (let from: Uint8Array | undefined = new Uint8Array(0); from !== undefined; ) {
      await this.#parts.pause();
      if (this.#isStopped || this.#index !== index) return;
      from = index.list(from, listedKeys);
    }
  }

  #upkeepOf(restored: RestoredMvcc) {
    const { pause, after, leases, metrics, log = silentLog } = this.#parts;
    const limits = this.#parts.checkpoints ?? checkpointLimits;
    const { backend, index } = restored;
    const compaction = new CompactionRun(restored, {
      pause,
      log,
      metrics,
      pins: this.#pins,
      hashes: this.compactionHashes,
      onDropped: (points) => checkpoints.count(points),
    });
    // Before a checkpoint, which would tell of what this drops.
    if (restored.unfinishedCompaction) void compaction.resume(restored.compactRevision);
    const checkpoints = new Checkpoints(
      {
        index,
        backend,
        compaction,
        limits,
        revision: () => this.#revision,
        isWriting: () => this.#transaction !== undefined,
        leaseOf: (slot) => leases.leaseOf(latin1(index.records.keyOf(slot))),
        pause,
        after,
      },
      restored.rowsRead,
    );
    if (!index.isListed) void this.#list(index);
    return { compaction, checkpoints };
  }

  /** Replaces all of it by another state, read from a snapshot. */
  replace(restored: RestoredMvcc): void {
    void this.#compaction.stop();
    this.#checkpoints.cancel();
    this.#values = new ValueCache(this.#parts.values ?? cacheLimits);
    this.#backend = restored.backend;
    this.#index = restored.index;
    this.#revision = restored.revision;
    this.#compactRevision = restored.compactRevision;
    const { compaction, checkpoints } = this.#upkeepOf(restored);
    this.#compaction = compaction;
    this.#checkpoints = checkpoints;
  }

  get revision(): number {
    return this.#revision;
  }
  /** Reads that take several turns of the event loop, of all that are under way. */
  get readsUnderWay(): number {
    return this.#pins.size;
  }
  /** The newest revision that a read sees. */
  get readRevision(): number {
    return this.#revision;
  }
  get compactRevision(): number {
    return this.#compactRevision;
  }
  get index(): KeyIndex {
    return this.#index;
  }
  get backend(): Backend {
    return this.#backend;
  }

  /** The stored KeyValue of a row, or undefined when compaction has removed it. */
  stored(row: Revision): Uint8Array | undefined {
    if (row.main > this.#revision) return this.#transaction?.row(row.sub);
    const cached = this.#values.get(row.main, row.sub);
    if (cached !== undefined) return cached;
    const stored = this.#backend.revision(row.main, row.sub);
    return stored === undefined ? undefined : this.#values.add(row.main, row.sub, stored);
  }

  /** Throws COMPACTED or FUTURE_REVISION. */
  checkRevision(revision: number, newest = this.#revision): void {
    if (revision > newest) throw new StoreError("FUTURE_REVISION", { requested: revision, revision: newest });
    if (revision > 0 && revision < this.#compactRevision)
      throw new StoreError("COMPACTED", { requested: revision, compactRevision: this.#compactRevision });
  }

  /** As `checkRevision`, for a range within a transaction: there etcd looks at negative revisions, too, which a range of
   *  its own takes for "the newest". */
  checkRevisionInTxn(revision: number, newest = this.#revision): void {
    if (revision < 0 && revision < this.#compactRevision)
      throw new StoreError("COMPACTED", { requested: revision, compactRevision: this.#compactRevision });
    this.checkRevision(revision, newest);
  }

  get limits(): SliceLimits {
    return this.#parts.limits ?? sliceLimits;
  }
  /** Lets others run between two slices of background work. */
  get pause(): () => Promise<void> {
    return this.#parts.pause;
  }
  /** Nothing can be read any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  leaseOf(slot: number): bigint {
    const { records } = this.#index;
    return records.isMarked(slot, marks.leased)
      ? this.#parts.leases.leaseOf(latin1(records.keyOf(slot)))
      : 0n;
  }

  /** Reads the keys of a span. Throws StoreError before the first pause. Whoever pauses it holds a pin on the revision. */
  reading(span: Span, options: ReadOptions, newest = this.#revision): Sliced<Found> {
    return readSpan(this, span, options, this.#beginRead(options.revision, newest));
  }

  /** The stored KeyValue of one key; undefined where it does not exist. Throws StoreError. */
  readKey(key: Uint8Array, options: KeyOptions, newest = this.#revision): Uint8Array | undefined {
    const revision = this.#beginRead(options.revision, newest);
    return readKey(this, key, { revision, keysOnly: options.keysOnly });
  }

  /** The same in parts. */
  readParts(key: Uint8Array, options: KeyOptions, newest = this.#revision): KeyValueParts | undefined {
    const revision = this.#beginRead(options.revision, newest);
    return readParts(this, key, { revision, keysOnly: options.keysOnly });
  }

  /** Answers the revision at which a read that wants `revision` reads. */
  #beginRead(revision: number, newest: number): number {
    this.checkRevision(revision, newest);
    this.counts.ranges++;
    return revision > 0 ? revision : newest;
  }

  /** Keeps compactions from dropping what was there at the revision. Answers how to let go. */
  pin(revision: number): () => void {
    return this.#pins.add(revision);
  }

  /** Begins a write transaction; only one at a time. Until it ends reads see nothing of it, however many turns it takes. */
  write(): WriteTransaction {
    assert(this.#transaction === undefined, "mvcc: one write transaction at a time");
    this.#transaction = new WriteTransaction(this, this.#parts.leases, this.#end);
    return this.#transaction;
  }

  readonly #end = (changes: readonly StoredChange[]): void => {
    this.#transaction = undefined;
    if (changes.length === 0) return;
    this.#revision++;
    this.#checkpoints.count(changes.length);
    this.#parts.onChanges(this.#revision, changes.length > this.limits.changesMax ? "many" : changes);
  };

  /** Refuses reads below `revision` from now on; resolves when what that frees has left the backend. Throws StoreError. */
  compact(revision: number): { readonly removed: Promise<void> } {
    if (revision <= this.#compactRevision)
      throw new StoreError("COMPACTED", { requested: revision, compactRevision: this.#compactRevision });
    if (revision > this.#revision)
      throw new StoreError("FUTURE_REVISION", { requested: revision, revision: this.#revision });
    const previous = this.#compactRevision;
    this.#compactRevision = revision;
    return { removed: this.#compaction.schedule(revision, previous) };
  }

  /** Gives disk space back. Rejects with BackendError. */
  async defragment(): Promise<void> {
    await this.#backend.defragment();
    this.#checkpoints.mayHaveEnded();
  }

  /** Ends background work; it goes on after the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#checkpoints.stop();
    await this.#compaction.stop();
  }
}

/** The changes of one revision. Reads within it see them at once. Its rows go to the backend when it ends, so that nothing
 *  of it is there before, and all of it afterwards. */
export class WriteTransaction {
  readonly #store: MvccStore;
  readonly #leases: KeyLeases;
  readonly #end: (changes: readonly StoredChange[]) => void;
  /** By sub. */
  readonly #changes: StoredChange[] = [];
  #operations = 0;
  /** The revision its changes get. */
  readonly revision: number;

  constructor(store: MvccStore, leases: KeyLeases, end: (changes: readonly StoredChange[]) => void) {
    this.#store = store;
    this.#leases = leases;
    this.#end = end;
    this.revision = store.revision + 1;
  }

  get limits(): SliceLimits {
    return this.#store.limits;
  }
  /** The newest revision a read within it sees. */
  get readRevision(): number {
    return this.#changes.length > 0 ? this.revision : this.revision - 1;
  }

  reading(span: Span, options: ReadOptions): Sliced<Found> {
    this.#operations++;
    return this.#store.reading(span, options, this.readRevision);
  }

  readKey(key: Uint8Array, options: KeyOptions): Uint8Array | undefined {
    this.#operations++;
    return this.#store.readKey(key, options, this.readRevision);
  }

  readParts(key: Uint8Array, options: KeyOptions): KeyValueParts | undefined {
    this.#operations++;
    return this.#store.readParts(key, options, this.readRevision);
  }

  checkRevision(revision: number): void {
    this.#store.checkRevisionInTxn(revision, this.readRevision);
  }

  put(key: Uint8Array, value: Uint8Array, lease: bigint): void {
    const { counts } = this.#store;
    counts.puts++;
    counts.putBytes += key.length + value.length;
    this.#operations++;
    const { index } = this.#store;
    const { records } = index;
    const known = index.find(key);
    const previous = known === 0 ? undefined : alive(records, known);
    const sub = this.#changes.length;
    const slot = index.put(key, known, this.revision, sub);
    const stored = encodePut({
      key,
      createRevision: records.createOf(slot),
      modRevision: this.revision,
      version: records.versionOf(slot),
      value,
      lease,
    });
    this.#changes.push(new PutChange({ main: this.revision, sub }, stored, { isInEvent: true, previous }));
    this.#hang(slot, key, lease);
  }

  /** Deletes one key; answers how many that were, none or one. */
  deleteKey(key: Uint8Array): number {
    this.#store.counts.deletes++;
    this.#operations++;
    const { index } = this.#store;
    const slot = index.find(key);
    if (slot === 0 || index.records.versionOf(slot) === 0) return 0;
    this.#deleteOne(slot);
    return 1;
  }

  /** Answers how many keys it deleted. */
  *deleteSpan(span: Span): Sliced<number> {
    this.#store.counts.deletes++;
    this.#operations++;
    const { index, limits } = this.#store;
    let count = 0;
    for (let from: Uint8Array | undefined = span.from; ; ) {
      const doomed: number[] = [];
      from = index.visitLiving({ from, to: span.to }, limits.keysMax, (slot) => {
        doomed.push(slot);
      });
      for (const slot of doomed) this.#deleteOne(slot);
      count += doomed.length;
      if (from === undefined) return count;
      yield;
    }
  }

  #deleteOne(slot: number): void {
    const { index } = this.#store;
    const previous = alive(index.records, slot);
    const key = index.records.keyOf(slot);
    const sub = this.#changes.length;
    index.delete(slot, this.revision, sub);
    this.#changes.push(new DeletionChange({ main: this.revision, sub }, encodeTombstone(key), previous));
    this.#hang(slot, key, 0n);
  }

  /** Most keys hang on no lease, before and after. */
  #hang(slot: number, key: Uint8Array, lease: bigint): void {
    const { records } = this.#store.index;
    if (lease === 0n && !records.isMarked(slot, marks.leased)) return;
    this.#leases.move(latin1(key), lease);
    records.mark(slot, marks.leased, lease !== 0n);
  }

  /** A row that is not in the backend yet. */
  row(sub: number): Uint8Array | undefined {
    return this.#changes[sub]?.value;
  }

  /** Makes the changes a revision: at once, or by work in slices where there are many. */
  end(): Sliced<void> | undefined {
    if (this.#changes.length > this.limits.keysMax) return this.#endInSlices();
    const { backend } = this.#store;
    for (const change of this.#changes) backend.append(change);
    this.#finish();
    return undefined;
  }

  *#endInSlices(): Sliced<void> {
    const { backend, limits } = this.#store;
    const stage = backend.stage();
    for (const change of this.#changes) {
      if (change.sub > 0 && change.sub % limits.keysMax === 0) yield;
      stage.append(change);
    }
    stage.join();
    this.#finish();
  }

  #finish(): void {
    if (this.#operations > 1) this.#store.counts.txns++;
    this.#end(this.#changes);
  }
}

/** The row of a living key. */
function alive(records: KeyRecords, slot: number): Revision | undefined {
  return records.versionOf(slot) === 0 ? undefined : { main: records.mainOf(slot), sub: records.subOf(slot) };
}
