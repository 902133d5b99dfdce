import { assert } from "../../base/assert.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { failpoint } from "../../base/failpoints/failpoint.ts";
import type { CheckpointMark, CheckpointOf, CheckpointPages } from "../revisions/checkpoint.ts";
import type { Points } from "../revisions/drop-rows.ts";
import type { RevisionFaults, RevisionLogConfig } from "../revisions/log-config.ts";
import { revisionLogDefaults } from "../revisions/log-config.ts";
import type { Cut, RevisionLog, RevisionStage, RevisionsView } from "../revisions/revision-log.ts";
import type { PlacedRow, RevisionRow } from "../revisions/row-format.ts";
import {
  type Backend,
  BackendError,
  type Base,
  type Bucket,
  bucketPrefixes,
  type Pages,
  type RowRange,
  type SmallBucket,
  type View,
  type Write,
} from "./backend.ts";
import { Layer } from "./layer.ts";
import { layeredPages } from "./pages.ts";
import { revisionPages } from "./revision-pages.ts";

export interface BackendConfig {
  /** A layer this large is carried to the base. */
  readonly batchBytesMax: number;
  /** Handing a row to the base costs some microseconds at a stretch. The more layers wait, the more rows the next may have:
   *  reads look through all of them. */
  readonly batchRowsMax: number;
  /** What may wait in memory before `room()` asks writers to wait. */
  readonly pendingBytesMax: number;
  readonly revisions: RevisionLogConfig;
}

export const backendDefaults: BackendConfig = {
  batchBytesMax: 4 * 1024 * 1024,
  batchRowsMax: 500,
  pendingBytesMax: 64 * 1024 * 1024,
  revisions: revisionLogDefaults,
};

/** Bugs that simulation plants, by name. */
export interface BackendFaults extends RevisionFaults {
  /** Of the layers that are carried to the base in one go only the last one is synced. */
  readonly syncOnlyLastLayer?: true;
}

export interface BackendEvents {
  /** A flush failed: the state in memory is right, but nothing more gets to disk. Called once. */
  readonly onFailure: (error: BackendError) => void;
  /** Space was not given back, or no checkpoint was written, the disk being full for one; all is as it was. */
  readonly onUpkeepFailed?: (error: BackendError) => void;
  /** After each batch, with the seconds it took. */
  readonly onFlushed?: (tookMs: number) => void;
  readonly monotonicMs?: () => number;
  /** Told after each step of moving the rows of an earlier version into the revision log. */
  readonly onMoving?: (rows: number) => void;
  /** Lets others run; real storage needs it, since what stands in memory takes no time that others could use. */
  readonly pause?: () => Promise<void>;
  readonly faults?: BackendFaults;
}

const beforeCommit = failpoint("beforeCommit");
const afterCommit = failpoint("afterCommit");
const beforeGroupEnds = failpoint("beforeWritebackBuf");
const afterGroupEnded = failpoint("afterWritebackBuf");
const pageRowsDefault = 1_000;
/** Rows handed to the base at a stretch. */
const writeRowsMax = 2_000;
/** Measuring the base costs a walk over its files. */
const measureEveryLayers = 8;

/** What goes to disk together: revisions to their log, and then, in one batch, the other rows and the log's marks. */
interface Frozen {
  readonly layer: Layer;
  readonly cut: Cut | undefined;
  readonly bytes: number;
}

/** Rows of small buckets go to the active layer, revisions to the log's memory; at a commit, when both are large together,
 *  they are frozen and carried to disk, oldest first. */
export class LayeredBackend implements Backend {
  readonly #base: Base;
  readonly #log: RevisionLog;
  readonly #config: BackendConfig;
  readonly #events: BackendEvents;
  #active = new Layer();
  /** Oldest first; the first one may be on its way to the base. */
  #frozen: Frozen[] = [];
  #frozenBytes = 0;
  /** Of them, those that are not revisions. */
  #frozenLayerBytes = 0;
  /** Layers frozen, and those of them that are durable in the base, since the start. */
  #frozenCount = 0;
  #writtenCount = 0;
  #measuredCount = 0;
  /** Who waits until a layer is durable, in rising order of `upTo`. */
  readonly #waiters: { readonly upTo: number; readonly done: Deferred<void> }[] = [];
  #midGroup = false;
  #flushing: Promise<void> | undefined;
  #failure: BackendError | undefined;
  #room: Deferred<void> | undefined;
  #baseBytes: number;
  #closed = false;
  readonly #views = new Set<View>();
  #viewsGone: Deferred<void> | undefined;

  private constructor(stores: Stores, config: BackendConfig, events: BackendEvents, baseBytes: number) {
    this.#base = stores.base;
    this.#log = stores.log;
    this.#log.attach({ save: (marks) => this.#save(marks), durable: () => this.flush() });
    this.#config = config;
    this.#events = events;
    this.#baseBytes = baseBytes;
  }

  static async over(stores: Stores, config: BackendConfig, events: BackendEvents): Promise<LayeredBackend> {
    return new LayeredBackend(stores, config, events, await stores.base.sizeBytes());
  }

  get(bucket: SmallBucket, key: string): Uint8Array | undefined {
    const full = bucketPrefixes[bucket] + key;
    let found = this.#active.get(full);
    for (let at = this.#frozen.length - 1; found === undefined && at >= 0; at--)
      found = this.#frozen[at]?.layer.get(full);
    if (found !== undefined) return found ?? undefined;
    return this.#base.get(full);
  }

  put(bucket: SmallBucket, key: string, value: Uint8Array): void {
    this.#midGroup = true;
    this.stamp(bucket, key, value);
  }

  stamp(bucket: SmallBucket, key: string, value: Uint8Array): void {
    this.#active.set(bucketPrefixes[bucket] + key, value);
  }

  delete(bucket: SmallBucket, key: string): void {
    this.#midGroup = true;
    this.#active.set(bucketPrefixes[bucket] + key, null);
  }

  revision(main: number, sub: number): Uint8Array | undefined {
    try {
      return this.#log.get(main, sub);
    } catch (error) {
      throw this.#failIfDamaged(error);
    }
  }

  async visitRevisions(visit: (row: PlacedRow) => void): Promise<void> {
    const view = this.#log.view();
    try {
      await view.visit(visit);
    } finally {
      await view.close();
    }
  }

  async visitBehind(revision: number, visit: (row: PlacedRow) => void): Promise<void> {
    const view = this.#log.view();
    try {
      await view.visitBehind(revision, visit);
    } finally {
      await view.close();
    }
  }

  get checkpoint(): CheckpointMark | undefined {
    return this.#log.checkpoint;
  }

  readCheckpoint(take: (bytes: Uint8Array, start: number, end: number) => void): Promise<void> {
    return this.#log.readCheckpoint(take);
  }

  async saveCheckpoint(of: CheckpointOf, pages: CheckpointPages): Promise<boolean> {
    try {
      return await this.#log.saveCheckpoint(of, pages);
    } catch (error) {
      this.#doWithout(error);
      return false;
    }
  }

  async check(pause: () => Promise<void>): Promise<void> {
    try {
      await this.#log.check(pause);
    } catch (error) {
      this.#fail(error);
    }
  }

  append(row: RevisionRow): void {
    this.#midGroup = true;
    this.#log.append(row);
  }

  stage(): RevisionStage {
    const stage = this.#log.stage();
    return {
      append: stage.append,
      join: () => {
        assert(!this.#midGroup, "backend: what was gathered joins between two groups");
        this.#midGroup = true;
        stage.join();
      },
    };
  }

  async drop(points: Points): Promise<boolean> {
    try {
      return await this.#log.drop(points);
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  reclaim(): void {
    this.#log.rewrite("mostly").catch((error: unknown) => this.#doWithout(error));
  }

  /** Upkeep did not get to its end; all is as it was. */
  #doWithout(error: unknown): void {
    const failure = asBackendError(error);
    if (failure.reason === "corrupt") this.#fail(failure);
    else if (this.#failure === undefined) this.#events.onUpkeepFailed?.(failure);
  }

  commit(): void {
    const hasEffects = this.#midGroup;
    if (hasEffects && beforeGroupEnds.armed) beforeGroupEnds.block();
    this.#midGroup = false;
    if (this.#isActiveLarge) {
      this.#freeze();
      this.#startFlushing();
    }
    if (hasEffects && afterGroupEnded.armed) afterGroupEnded.block();
  }

  get #isActiveLarge(): boolean {
    const { batchBytesMax, batchRowsMax } = this.#config;
    return (
      this.#activeBytes >= batchBytesMax || this.#active.rows >= batchRowsMax * (1 + this.#frozen.length)
    );
  }

  snapshot(): View {
    this.#freeze();
    const layers = this.#frozen.map(({ layer }) => layer);
    const base = this.#base.view();
    const revisions = this.#log.view();
    const { pause = () => Promise.resolve() } = this.#events;
    return this.#viewed({
      pages: (bucket, range, rowsMax = pageRowsDefault) =>
        bucket === "key"
          ? this.#revisionPages(revisions, range, rowsMax)
          : layeredPages({ base, layers, pause }, bucket, range, rowsMax),
      close: async () => {
        await base.close();
        await revisions.close();
      },
    });
  }

  /** Of revisions alone: whoever reads the past often must not end blocks and layers for it. */
  #revisionsView(): View {
    assert(!this.#midGroup, "backend: a view must not begin within a group of writes");
    const revisions: RevisionsView = this.#log.view();
    return this.#viewed({
      pages: (_, range, rowsMax = pageRowsDefault) => this.#revisionPages(revisions, range, rowsMax),
      close: () => revisions.close(),
    });
  }

  async *#revisionPages(view: RevisionsView, range: RowRange | undefined, rowsMax: number): Pages {
    try {
      yield* revisionPages(view, range, rowsMax);
    } catch (error) {
      throw this.#failIfDamaged(error);
    }
  }

  /** Whoever meets damage cannot go on, and neither can the database: it would answer, and hand on, what is not whole. */
  #failIfDamaged(error: unknown): unknown {
    if (error instanceof BackendError && error.reason === "corrupt") this.#fail(error);
    return error;
  }

  #viewed(view: View): View {
    const known: View = {
      pages: view.pages,
      close: async () => {
        await view.close();
        this.#views.delete(known);
        if (this.#views.size === 0) this.#viewsGone?.resolve();
      },
    };
    this.#views.add(known);
    return known;
  }

  async *pages(bucket: Bucket, range?: RowRange, rowsMax?: number): Pages {
    const view = bucket === "key" ? this.#revisionsView() : this.snapshot();
    try {
      yield* view.pages(bucket, range, rowsMax);
    } finally {
      await view.close();
    }
  }

  async flush(): Promise<void> {
    this.#freeze();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#writtenCount >= this.#frozenCount) return;
    const done = deferred<void>();
    this.#waiters.push({ upTo: this.#frozenCount, done });
    this.#startFlushing();
    await done.promise;
  }

  async defragment(): Promise<void> {
    await this.flush();
    await this.#log.rewrite("any");
    await this.#base.compact();
    this.#baseBytes = await this.#base.sizeBytes();
  }

  room(): Promise<void> | undefined {
    if (this.pendingBytes < this.#config.pendingBytesMax) return undefined;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#room ??= deferred();
    this.#freeze();
    this.#startFlushing();
    return this.#room.promise;
  }

  get pendingBytes(): number {
    return this.#activeBytes + this.#frozenBytes;
  }

  get sizeBytes(): number {
    return this.#baseBytes + this.#frozenLayerBytes + this.#active.sizeBytes + this.#log.sizeBytes;
  }

  get sizeInUseBytes(): number {
    return this.sizeBytes - this.#log.deadBytes;
  }

  get #activeBytes(): number {
    return this.#active.sizeBytes + this.#log.uncutBytes;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#log.stop();
    if (this.#midGroup) this.#dropActive();
    try {
      await this.flush();
    } finally {
      await this.#flushing;
      await this.#log.close();
      await this.#base.close();
      this.#viewsGone?.resolve();
    }
  }

  async retire(): Promise<void> {
    this.#viewsGone ??= deferred();
    if (this.#views.size === 0) this.#viewsGone.resolve();
    await this.#log.stop(); // its space is given back as a whole
    await this.#viewsGone.promise;
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushing;
    await this.#log.close();
    await this.#base.close();
  }

  /** What failed halfway must not be saved; the log has it. */
  #dropActive(): void {
    this.#active = new Layer();
    this.#log.forgetUncut();
    this.#midGroup = false;
  }

  #freeze(): void {
    assert(!this.#midGroup, "backend: a layer must not end within a group of writes");
    const cut = this.#log.cut();
    const layer = this.#active;
    for (const [key, value] of cut?.marks ?? []) layer.set(key, value ?? null);
    if (layer.rows === 0) return;
    const frozen = { layer, cut, bytes: layer.sizeBytes + (cut?.bytes ?? 0) };
    this.#frozen.push(frozen);
    this.#frozenCount++;
    this.#frozenBytes += frozen.bytes;
    this.#frozenLayerBytes += layer.sizeBytes;
    this.#active = new Layer();
  }

  /** A group of the log's own. */
  #save(marks: readonly Write[]): void {
    assert(!this.#midGroup, "backend: marks are saved between two groups");
    for (const [key, value] of marks) this.#active.set(key, value ?? null);
    this.commit();
  }

  #startFlushing(): void {
    if (this.#flushing !== undefined || this.#failure !== undefined || this.#frozen.length === 0) return;
    this.#flushing = this.#flushLayers().catch((error: unknown) => this.#fail(error));
  }

  /** The only writer of the base: goes on until every frozen layer is durable. Each one is synced before the next is written:
   *  of batches that were not, the base may lose an older one and keep a newer, whose applied index hides the loss. */
  async #flushLayers(): Promise<void> {
    for (let frozen = this.#frozen[0]; frozen !== undefined; frozen = this.#frozen[0]) {
      const sync = this.#events.faults?.syncOnlyLastLayer !== true || this.#frozen.length === 1;
      const startMs = this.#events.monotonicMs?.() ?? 0;
      if (beforeCommit.armed) await beforeCommit.pass();
      await this.#writeBoth(frozen, sync);
      if (afterCommit.armed) await afterCommit.pass();
      this.#events.onFlushed?.((this.#events.monotonicMs?.() ?? 0) - startMs);
      this.#written(frozen);
      if (sync) this.#wakeWaiters();
      await this.#measure();
    }
    this.#flushing = undefined; // in the same turn as the decision to end, or a wake-up in between is lost
  }

  /** The revisions first: the marks in the batch then never point past what the log holds. */
  async #writeBoth({ layer, cut }: Frozen, sync: boolean): Promise<void> {
    const pages = layer.pages(writeRowsMax);
    if (this.#events.faults?.markBeforeLog) {
      await this.#base.write(pages, { sync });
      if (cut !== undefined) await this.#log.write(cut);
      return;
    }
    if (cut !== undefined) await this.#log.write(cut);
    await this.#base.write(pages, { sync });
  }

  #written({ layer, bytes }: Frozen): void {
    this.#frozen.shift();
    this.#writtenCount++;
    this.#frozenBytes -= bytes;
    this.#frozenLayerBytes -= layer.sizeBytes;
    this.#baseBytes += layer.sizeBytes; // a guess until it is measured again
    if (this.#frozenBytes < this.#config.pendingBytesMax / 2) {
      this.#room?.resolve();
      this.#room = undefined;
    }
  }

  #wakeWaiters(): void {
    while (this.#waiters[0] !== undefined && this.#waiters[0].upTo <= this.#writtenCount)
      this.#waiters.shift()?.done.resolve();
  }

  async #measure(): Promise<void> {
    if (this.#writtenCount < this.#measuredCount + measureEveryLayers) return;
    this.#measuredCount = this.#writtenCount;
    this.#baseBytes = await this.#base.sizeBytes();
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    const failure = asBackendError(error);
    this.#failure = failure;
    this.#flushing = undefined;
    for (const waiter of this.#waiters.splice(0)) waiter.done.reject(failure);
    this.#room?.reject(failure);
    this.#room = undefined;
    this.#events.onFailure(failure);
  }
}

function asBackendError(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  const detail = error instanceof Error ? error.message : error;
  return new BackendError("io", `writing the database failed: ${detail}`, error);
}

export interface Stores {
  readonly base: Base;
  readonly log: RevisionLog;
}
