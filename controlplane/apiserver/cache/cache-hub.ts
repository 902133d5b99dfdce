import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { type Deferred, deferred } from "../../../base/deferred.ts";
import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import { revisionTooLarge, timedOut } from "../api-error.ts";
import { DecodedObjects } from "../registry/decoded-objects.ts";
import type { Kind } from "../registry/kind.ts";
import {
  type Change,
  type ChangeBatch,
  type ListOptions,
  type ListResult,
  type Storage,
  StorageError,
  type StoredEntry,
  UnreadableValue,
} from "../registry/storage.ts";
import type { StoredObject } from "../registry/stored-object.ts";
import type { CacheFigures, FiguresOfCache } from "./cache-figures.ts";
import { Encodings } from "./encodings.ts";
import type { EventWindow, WindowLimits } from "./event-window.ts";
import { fitIntoBudget, historyBytesDefault } from "./history-budget.ts";
import { KindCache } from "./kind-cache.ts";
import type { KindIndex } from "./kind-index.ts";
import { isCompacted, oldestReadable } from "./oldest-readable.ts";
import { OwnWrites } from "./own-writes.ts";
import { SharedRead } from "./shared-read.ts";
import { type UnheardBatch, UnheardChanges } from "./unheard-changes.ts";

export interface CacheHubDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly windowLimits?: WindowLimits;
  /** The most that the history of all kinds may keep. */
  readonly historyBytesMax?: number;
  readonly figuresOf?: FiguresOfCache;
}

const streamPrefix = "/registry/";
/** Written when something outside our prefix moved the store's revision, so that our stream shows how far it is. */
const progressKey = "/registry/pintle.local/progress";
const progressGraceMs = 20;
/** How long a read waits for the cache to catch up (Kubernetes' blockTimeout). */
export const freshnessTimeoutMs = 3000;
/** So many objects of a kind are read from the store one by one, within so long, before its cache is loaded. */
export const singleReadsMax = 16;
export const singleReadsWindowMs = 60_000;
/** So far back the stream begins: whoever followed another server, or this one before it was killed, goes on from there. */
const lookBackRevisions = 5000;
/** Objects of a kind are read so many at a time when its cache is loaded. */
export const entriesAtOnce = 500;
const restartBackoff: BackoffOptions = { firstMs: 50, mostMs: 5000 };

interface RevisionWaiter {
  readonly revision: number;
  readonly done: Deferred<void>;
}

/** All kinds' caches, fed by one watch over everything the API stores. One stream in one order means that the caches
 *  of all kinds stand at the same revision, that a consistent read only compares two numbers, and that an idle
 *  cluster costs nothing. A kind's objects are loaded when somebody first lists or watches it.
 *  Invariant: every change up to `revision` is in every ready cache. */
export class CacheHub {
  /** What several clients ask for, encoded once. */
  readonly encodings = new Encodings();
  /** What this server writes itself: its events need not be read again. */
  readonly own = new OwnWrites();
  readonly #decoded = new DecodedObjects();
  readonly #deps: CacheHubDeps;
  readonly #caches = new Map<string, CacheState>();
  readonly #byPrefix = new Map<string, readonly CacheState[]>();
  readonly #currentRevision: SharedRead<number>;
  /** Of kinds that nobody has asked for yet. */
  readonly #unheard = new UnheardChanges();
  readonly #waiters = new Set<RevisionWaiter>();
  #revision = 0;
  /** Where the stream began; changes before it were never seen. */
  #floorRevision = 0;
  #started: Deferred<void> = deferred();
  #bumping = false;

  constructor(deps: CacheHubDeps) {
    this.#deps = deps;
    this.#started.promise.catch(() => undefined); // who waits for it hears of it
    this.#currentRevision = new SharedRead(() => deps.storage.revision());
  }

  get revision(): number {
    return this.#revision;
  }

  /** Caches in use, for metrics. */
  *ready(): Iterable<KindCache> {
    for (const state of this.#caches.values()) if (state.ready) yield state.cache;
  }

  /** Follows the store until the signal aborts. Who still waits for the store's first answer then is told the signal's reason. */
  async run(signal: AbortSignal): Promise<void> {
    const isOver = () => this.#started.reject(signal.reason);
    signal.addEventListener("abort", isOver, { once: true });
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (this.#revision === 0) await this.#startOver(signal);
        for await (const batch of this.#deps.storage.watch(streamPrefix, this.#revision + 1, signal)) {
          failures = 0;
          this.#apply(batch);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isCompacted(error)) this.#revision = 0;
        this.#deps.log.warn("the store's watch broke", { error });
      }
      if (signal.aborted) return;
      failures++;
      await sleep(this.#deps.clock, backoffMs(restartBackoff, failures, this.#deps.random), signal);
    }
  }

  /** Resolves when all is here that was written before the store answered for the first time. */
  untilStarted(): Promise<void> {
    return this.#started.promise;
  }

  /** The kind's cache, loaded; at some revision not older than the last one served before. */
  async cache(kind: Kind): Promise<KindCache> {
    await this.#started.promise;
    const state = this.#stateOf(kind);
    if (state.ready) return state.cache;
    state.loading ??= this.#load(state).finally(() => {
      state.loading = undefined;
    });
    await state.loading;
    return state.cache;
  }

  /** What is counted of the kind's cache, also where that is not loaded. */
  figures(kind: Kind): CacheFigures {
    return this.#stateOf(kind).cache.figures;
  }

  /** Keeps the index in step with the kind's cache; it is filled when the cache is loaded. */
  addIndex(kind: Kind, index: KindIndex): void {
    this.#stateOf(kind).cache.addIndex(index);
  }

  #stateOf(kind: Kind): CacheState {
    const key = kind.plural + kind.group;
    const known = this.#caches.get(key);
    if (known !== undefined) return known;
    const cache = new KindCache(kind, {
      limits: this.#deps.windowLimits,
      own: this.own,
      decoded: this.#decoded,
      ...(this.#deps.figuresOf && { figures: this.#deps.figuresOf(kind) }),
    });
    const state = { cache, pending: [], ready: false, loading: undefined, singleReads: [] };
    this.#caches.set(key, state);
    this.#byPrefix.set(cache.prefix, [...(this.#byPrefix.get(cache.prefix) ?? []), state]);
    return state;
  }

  /** The kind is served no more, or otherwise: whoever lists or watches it starts anew. */
  forget(kind: Kind): void {
    const key = kind.plural + kind.group;
    const state = this.#caches.get(key);
    if (state === undefined || state.cache.kind !== kind) return;
    this.#caches.delete(key);
    if (state.ready) this.#unheard.heardUntil(state.cache.prefix, this.#revision);
    const others = (this.#byPrefix.get(state.cache.prefix) ?? []).filter((one) => one !== state);
    if (others.length > 0) this.#byPrefix.set(state.cache.prefix, others);
    else this.#byPrefix.delete(state.cache.prefix);
    state.cache.endListeners();
  }

  /** The kind's cache if it is loaded, without waiting. */
  peek(kind: Kind): KindCache | undefined {
    const state = this.#caches.get(kind.plural + kind.group);
    return state?.ready ? state.cache : undefined;
  }

  /** Somebody reads an object of the kind from the store, for want of a cache. Who does so again and again is better served by
   *  one: it is loaded meanwhile. */
  noteSingleRead(kind: Kind): void {
    const state = this.#stateOf(kind);
    if (state.ready || state.loading !== undefined) return;
    const nowMs = this.#deps.clock.monotonicMs();
    state.singleReads = [...state.singleReads.filter((ms) => nowMs - ms < singleReadsWindowMs), nowMs];
    if (state.singleReads.length < singleReadsMax) return;
    state.singleReads = [];
    this.cache(kind).catch((error: unknown) =>
      this.#deps.log.warn("a kind that is read often cannot be cached", { kind: kind.kind, error }),
    );
  }

  /** The kind's cache, holding every write that was acknowledged before the call. */
  async consistent(kind: Kind): Promise<KindCache> {
    await this.cache(kind);
    await this.#timedWait(
      kind,
      this.#currentRevision.read().then((revision) => this.#reach(revision)),
    );
    // Loaded anew where the stream started over meanwhile.
    return this.cache(kind);
  }

  /** The kind's cache at `revision` or later. Fails with 504 when this server does not get there in time. */
  async notOlderThan(kind: Kind, revision: bigint): Promise<KindCache> {
    const cache = await this.cache(kind);
    if (this.#revision >= revision) return cache;
    // No store gets to what numbers here cannot hold.
    const reachable = revision <= Number.MAX_SAFE_INTEGER ? Number(revision) : Number.POSITIVE_INFINITY;
    // Where only others' keys moved the store, its revision shows once something of ours is written.
    const current = await this.#currentRevision.read();
    const reached = current >= reachable ? this.#reach(reachable) : this.#until(reachable);
    await this.#timedWait(kind, reached).catch(() => {
      throw revisionTooLarge(revision, this.#revision, 1);
    });
    return this.cache(kind);
  }

  async #timedWait(kind: Kind, reached: Promise<void>): Promise<void> {
    const { clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    try {
      await reached;
    } finally {
      this.figures(kind).waitSeconds.observe((clock.monotonicMs() - startedMs) / 1000);
    }
  }

  async #reach(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    const cancel = this.#deps.clock.after(progressGraceMs, () => this.#bump());
    try {
      await this.#until(revision);
    } finally {
      cancel();
    }
  }

  #until(revision: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve();
    const waiter: RevisionWaiter = { revision, done: deferred() };
    this.#waiters.add(waiter);
    const cancel = this.#deps.clock.after(freshnessTimeoutMs, () => {
      waiter.done.reject(timedOut("the watch cache did not catch up with the store"));
    });
    return waiter.done.promise.finally(() => {
      cancel();
      this.#waiters.delete(waiter);
    });
  }

  #bump(): void {
    if (this.#bumping) return;
    this.#bumping = true;
    const value = new Uint8Array(0);
    this.#deps.storage
      .commit({ compare: [], writes: [{ type: "put", key: progressKey, value }] })
      .catch((error: unknown) => this.#deps.log.warn("cannot ask the store for progress", { error }))
      .finally(() => {
        this.#bumping = false;
      });
  }

  /** any -> started. Whatever is cached may lack changes: load it all anew. */
  async #startOver(signal: AbortSignal): Promise<void> {
    const { storage } = this.#deps;
    const current = await unlessAborted(storage.revision(), signal);
    const revision = await oldestReadable(storage, Math.max(1, current - lookBackRevisions), current);
    for (const state of this.#caches.values()) {
      state.ready = false;
      state.pending = [];
      state.cache.endListeners();
    }
    this.#revision = revision;
    this.#floorRevision = revision;
    this.#unheard.startOver(revision);
    this.#releaseWaiters();
    void this.#startAt(current, signal);
  }

  /** Nobody is shown anything before the stream, which begins in the past, is where the store was. */
  async #startAt(revision: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted)
      try {
        await this.#reach(revision);
        this.#started.resolve();
        return;
      } catch (error) {
        this.#deps.log.warn("still reading the store's history", { error });
      }
  }

  async #load(state: CacheState): Promise<void> {
    // What was not kept for this kind is known to have been before it began.
    const since = this.#unheard.baseOf(state.cache.prefix);
    state.pending = this.#unheard.of(state.cache.prefix);
    state.unreadable = undefined;
    const isReadable = !state.pending.some(({ changes }) => changes.some(isUnreadable));
    let { objects, revision } = await this.#listed(state, isReadable ? since : undefined);
    // The stream may have started over meanwhile, past what this list shows.
    while (revision < this.#floorRevision) ({ objects, revision } = await this.#pages(state));
    if (state.unreadable !== undefined) throw state.unreadable;
    state.cache.install(objects, revision);
    const nowMs = this.#deps.clock.monotonicMs();
    for (const { changes, revision: at } of state.pending) state.cache.apply(changes, at, nowMs);
    state.cache.advance(this.#revision);
    state.pending = [];
    state.ready = true;
    state.cache.figures.initializations.count++;
    await this.#reach(revision);
  }

  /** The kind's objects as they were at that revision, or as soon after as the store still knows; else as they are. */
  async #listed(state: CacheState, since: number | undefined): Promise<Loaded> {
    const { storage } = this.#deps;
    if (since === undefined) return this.#pages(state);
    try {
      return await this.#pages(state, since).catch(async (error: unknown) => {
        if (!isCompacted(error)) throw error;
        return this.#pages(state, await oldestReadable(storage, since, await storage.revision()));
      });
    } catch (error) {
      // What was stored then may be gone since, or have been put right.
      const isFuture = error instanceof StorageError && error.code === "future";
      if (!isCompacted(error) && !isFuture && !(error instanceof UnreadableValue)) throw error;
      return this.#pages(state);
    }
  }

  /** The kind's objects at the revision, or as they are; read some at a time, so that what is stored of all of them is never
   *  in memory beside what the cache keeps. */
  async #pages({ cache }: CacheState, at?: number): Promise<Loaded> {
    const { storage } = this.#deps;
    const objects: StoredObject[] = [];
    let revision = at;
    for (let startKey: string | undefined = cache.prefix; startKey !== undefined; ) {
      const options: ListOptions = { startKey, limit: entriesAtOnce, ...(revision && { revision }) };
      const page: ListResult = await storage.list(cache.prefix, options);
      revision ??= page.revision;
      objects.push(...cache.read(page.entries));
      const last: StoredEntry | undefined = page.entries.at(-1);
      startKey = last && page.count > page.entries.length ? `${last.key}\0` : undefined;
    }
    return { objects, revision: revision ?? 0 };
  }

  #apply(batch: ChangeBatch): void {
    this.#revision = batch.revision;
    const nowMs = this.#deps.clock.monotonicMs();
    const { routed, unheard } = this.#routed(batch.changes);
    this.#unheard.push(unheard, batch.revision);
    for (const [state, changes] of routed) {
      state.cache.figures.received.count += changes.length;
      if (changes.some(isUnreadable)) this.#lose(state, changes);
      else if (state.ready) state.cache.apply(changes, batch.revision, nowMs);
      else if (state.loading !== undefined) state.pending.push({ changes, revision: batch.revision });
    }
    for (const change of unheard) if (change.type === "put") this.own.passed(change);
    const windows: EventWindow[] = [];
    for (const { ready, cache } of this.#caches.values()) {
      if (ready) cache.advance(batch.revision);
      windows.push(cache.window);
    }
    fitIntoBudget(windows, this.#deps.historyBytesMax ?? historyBytesDefault);
    this.#releaseWaiters();
  }

  /** A kind with a value that cannot be read has no cache until a list shows that it can be. */
  #lose(state: CacheState, changes: readonly Change[]): void {
    const change = changes.find(isUnreadable);
    state.unreadable = change?.type === "put" ? change.unreadable : undefined;
    if (!state.ready) return;
    this.#deps.log.error("a value cannot be read", { key: change?.key, error: state.unreadable });
    this.#unheard.heardUntil(state.cache.prefix, this.#revision);
    state.ready = false;
    state.pending = [];
    state.cache.endListeners();
  }

  /** The caches whose objects changed, found by what their keys begin with; and the changes that a kind without a cache may be
   *  asked for later. */
  #routed(changes: readonly Change[]): {
    readonly routed: Map<CacheState, Change[]>;
    readonly unheard: readonly Change[];
  } {
    const routed = new Map<CacheState, Change[]>();
    const unheard: Change[] = [];
    for (const change of changes) {
      let states = 0;
      let heardBy = 0;
      for (const prefix of prefixesOf(change.key))
        for (const state of this.#byPrefix.get(prefix) ?? []) {
          states++;
          if (state.ready) heardBy++;
          const found = routed.get(state);
          if (found === undefined) routed.set(state, [change]);
          else found.push(change);
        }
      if (heardBy === 0 || heardBy < states) unheard.push(change);
    }
    return { routed, unheard };
  }

  #releaseWaiters(): void {
    for (const waiter of this.#waiters) if (waiter.revision <= this.#revision) waiter.done.resolve();
  }
}

/** A kind's whole state. */
interface Loaded {
  readonly objects: readonly StoredObject[];
  readonly revision: number;
}

interface CacheState {
  readonly cache: KindCache;
  /** Changes that arrived while the list was under way. */
  pending: UnheardBatch[];
  ready: boolean;
  loading: Promise<void> | undefined;
  /** When objects of it were read one by one lately: fewer than `singleReadsMax` times. */
  singleReads: readonly number[];
  /** Why the kind cannot be cached, heard while its list was under way. */
  unreadable?: Error | undefined;
}

const isUnreadable = (change: Change) => change.type === "put" && change.unreadable !== undefined;

/** Kinds stand under `/registry/PLURAL/`, `/registry/GROUP/PLURAL/` or another two elements of their own. */
function prefixesOf(key: string): readonly string[] {
  const first = key.indexOf("/", streamPrefix.length) + 1;
  const second = key.indexOf("/", first) + 1;
  if (first === 0) return [];
  return second === 0 ? [key.slice(0, first)] : [key.slice(0, first), key.slice(0, second)];
}
