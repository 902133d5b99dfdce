import { assert } from "../../base/assert.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import {
  type Backend,
  BackendError,
  type Base,
  type BaseView,
  type Bucket,
  bucketPrefixes,
  type Gathering,
  type Pages,
  type RowRange,
  type View,
} from "./backend.ts";
import { Layer } from "./layer.ts";
import { mergedPages } from "./pages.ts";

export interface BackendConfig {
  /** A layer this large is carried to the base. */
  readonly batchBytesMax: number;
  /** Handing a row to the base costs some microseconds at a stretch. The more layers wait, the more rows the next may have:
   *  reads look through all of them. */
  readonly batchRowsMax: number;
  /** What may wait in memory before `room()` asks writers to wait. */
  readonly pendingBytesMax: number;
}

export const backendDefaults: BackendConfig = {
  batchBytesMax: 1024 * 1024,
  batchRowsMax: 500,
  pendingBytesMax: 64 * 1024 * 1024,
};

/** Bugs that simulation plants, by name. */
export interface BackendFaults {
  /** Of the layers that are carried to the base in one go only the last one is synced. */
  readonly syncOnlyLastLayer?: true;
}

export interface BackendEvents {
  /** A flush failed: the state in memory is right, but nothing more gets to disk. Called once. */
  readonly onFailure: (error: BackendError) => void;
  /** After each batch, with the seconds it took. */
  readonly onFlushed?: (tookMs: number) => void;
  readonly monotonicMs?: () => number;
  /** Lets others run; real storage needs it, since what stands in memory takes no time that others could use. */
  readonly pause?: () => Promise<void>;
  readonly faults?: BackendFaults;
}

const pageRowsDefault = 1_000;
/** Rows handed to the base at a stretch. */
const writeRowsMax = 2_000;
/** Measuring the base costs a walk over its files. */
const measureEveryLayers = 8;

/** Writes go to the active layer; at a commit a large layer is frozen and carried to the base, oldest first. */
export class LayeredBackend implements Backend {
  readonly #base: Base;
  readonly #config: BackendConfig;
  readonly #events: BackendEvents;
  #active = new Layer();
  /** Oldest first; the first one may be on its way to the base. */
  #frozen: Layer[] = [];
  #frozenBytes = 0;
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
  readonly #views = new Set<BaseView>();
  #viewsGone: Deferred<void> | undefined;

  private constructor(base: Base, config: BackendConfig, events: BackendEvents, baseBytes: number) {
    this.#base = base;
    this.#config = config;
    this.#events = events;
    this.#baseBytes = baseBytes;
  }

  static async over(base: Base, config: BackendConfig, events: BackendEvents): Promise<LayeredBackend> {
    return new LayeredBackend(base, config, events, await base.sizeBytes());
  }

  get(bucket: Bucket, key: string): Uint8Array | undefined {
    const full = bucketPrefixes[bucket] + key;
    let found = this.#active.get(full);
    for (let at = this.#frozen.length - 1; found === undefined && at >= 0; at--)
      found = this.#frozen[at]?.get(full);
    if (found !== undefined) return found ?? undefined;
    return this.#base.get(full);
  }

  put(bucket: Bucket, key: string, value: Uint8Array): void {
    this.#midGroup = true;
    this.#active.set(bucketPrefixes[bucket] + key, value);
  }

  delete(bucket: Bucket, key: string): void {
    this.#midGroup = true;
    this.#active.set(bucketPrefixes[bucket] + key, null);
  }

  gather(): Gathering {
    const layer = new Layer();
    return {
      put: (bucket, key, value) => layer.set(bucketPrefixes[bucket] + key, value),
      join: () => {
        this.#freeze();
        this.#active = layer;
        this.#midGroup = true;
      },
    };
  }

  commit(): void {
    this.#midGroup = false;
    const { batchBytesMax, batchRowsMax } = this.#config;
    const rowsMax = batchRowsMax * (1 + this.#frozen.length);
    if (this.#active.sizeBytes < batchBytesMax && this.#active.rows < rowsMax) return;
    this.#freeze();
    this.#startFlushing();
  }

  snapshot(): View {
    this.#freeze();
    const layers = [...this.#frozen];
    const base = this.#base.view();
    const { pause = () => Promise.resolve() } = this.#events;
    this.#views.add(base);
    return {
      pages: (bucket, range, rowsMax) => pagesOf({ base, layers, pause }, bucket, range, rowsMax),
      close: async () => {
        await base.close();
        this.#views.delete(base);
        if (this.#views.size === 0) this.#viewsGone?.resolve();
      },
    };
  }

  async *pages(bucket: Bucket, range?: RowRange, rowsMax?: number): Pages {
    const view = this.snapshot();
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
    await this.#base.compact();
    this.#baseBytes = await this.#base.sizeBytes();
  }

  room(): Promise<void> | undefined {
    if (this.pendingBytes < this.#config.pendingBytesMax) return undefined;
    this.#room ??= deferred();
    this.#freeze();
    this.#startFlushing();
    return this.#room.promise;
  }

  get pendingBytes(): number {
    return this.#active.sizeBytes + this.#frozenBytes;
  }

  get sizeBytes(): number {
    return this.#baseBytes + this.pendingBytes;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#midGroup) this.#dropActive();
    try {
      await this.flush();
    } finally {
      await this.#flushing;
      await this.#base.close();
      this.#viewsGone?.resolve();
    }
  }

  async retire(): Promise<void> {
    this.#viewsGone ??= deferred();
    if (this.#views.size === 0) this.#viewsGone.resolve();
    await this.#viewsGone.promise;
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushing;
    await this.#base.close();
  }

  /** What failed halfway must not be saved; the log has it. */
  #dropActive(): void {
    this.#active = new Layer();
    this.#midGroup = false;
  }

  #freeze(): void {
    assert(!this.#midGroup, "backend: a layer must not end within a group of writes");
    if (this.#active.rows === 0) return;
    this.#frozen.push(this.#active);
    this.#frozenCount++;
    this.#frozenBytes += this.#active.sizeBytes;
    this.#active = new Layer();
  }

  #startFlushing(): void {
    if (this.#flushing !== undefined || this.#failure !== undefined || this.#frozen.length === 0) return;
    this.#flushing = this.#flushLayers().catch((error: unknown) => this.#fail(error));
  }

  /** The only writer of the base: goes on until every frozen layer is durable. Each one is synced before the next is written:
   *  of batches that were not, the base may lose an older one and keep a newer, whose applied index hides the loss. */
  async #flushLayers(): Promise<void> {
    for (let layer = this.#frozen[0]; layer !== undefined; layer = this.#frozen[0]) {
      const sync = this.#events.faults?.syncOnlyLastLayer !== true || this.#frozen.length === 1;
      const startMs = this.#events.monotonicMs?.() ?? 0;
      await this.#base.write(layer.pages(writeRowsMax), { sync });
      this.#events.onFlushed?.((this.#events.monotonicMs?.() ?? 0) - startMs);
      this.#written(layer);
      if (sync) this.#wakeWaiters();
      await this.#measure();
    }
    this.#flushing = undefined; // in the same turn as the decision to end, or a wake-up in between is lost
  }

  #written(layer: Layer): void {
    this.#frozen.shift();
    this.#writtenCount++;
    this.#frozenBytes -= layer.sizeBytes;
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
    const failure =
      error instanceof BackendError
        ? error
        : new BackendError(
            "io",
            `writing the database failed: ${error instanceof Error ? error.message : error}`,
            error,
          );
    this.#failure = failure;
    this.#flushing = undefined;
    for (const waiter of this.#waiters.splice(0)) waiter.done.reject(failure);
    this.#events.onFailure(failure);
  }
}

function pagesOf(
  view: {
    readonly base: BaseView;
    readonly layers: readonly Layer[];
    readonly pause: () => Promise<void>;
  },
  bucket: Bucket,
  range: RowRange = {},
  rowsMax = pageRowsDefault,
): Pages {
  const prefix = bucketPrefixes[bucket];
  const from = prefix + (range.from ?? "");
  const to = range.to === undefined ? String.fromCharCode(prefix.charCodeAt(0) + 1) : prefix + range.to;
  const pages = view.base.pages(from, to, rowsMax);
  const merged = mergedPages(pages, view.layers, { from, to, rowsMax }, view.pause);
  return withoutPrefix(merged);
}

async function* withoutPrefix(pages: Pages): Pages {
  for await (const page of pages) yield page.map(({ key, value }) => ({ key: key.slice(1), value }));
}
