import { DecodedObjects } from "../registry/decoded-objects.ts";
import type { Kind } from "../registry/kind.ts";
import type { Change, StoredEntry } from "../registry/storage.ts";
import { kindPrefix, StoredObject } from "../registry/stored-object.ts";
import { type CacheFigures, uncountedCache } from "./cache-figures.ts";
import { type CacheEvent, EventWindow, type WindowLimits } from "./event-window.ts";
import { FieldIndex } from "./field-index.ts";
import type { KindIndex } from "./kind-index.ts";
import type { OwnWrites } from "./own-writes.ts";
import { inScope, type Scope } from "./scope.ts";
import { type CacheListener, WatchIndex, type WatchShare } from "./watch-index.ts";

export interface KindCacheParts {
  readonly limits?: WindowLimits | undefined;
  /** What this server writes itself, which need not be read. */
  readonly own?: OwnWrites;
  /** Says of which objects, of this and other kinds, more than the bytes is kept. */
  readonly decoded?: DecodedObjects;
  readonly figures?: CacheFigures;
}

/** Objects among which all that are wanted are. */
export interface Candidates {
  readonly objects: StoredObject[];
  /** What they were looked up by; empty: all were looked at. */
  readonly index: string;
}

/** Every object of a kind, decoded once as long as it is asked for, and the recent changes. All methods are synchronous: one
 *  writer (the hub), many readers, no moment at which objects and window disagree. */
export class KindCache {
  readonly kind: Kind;
  readonly prefix: string;
  readonly figures: CacheFigures;
  readonly #limits: WindowLimits | undefined;
  readonly #own: OwnWrites | undefined;
  readonly #decoded: DecodedObjects;
  readonly #watchers: WatchIndex;
  readonly #indexes: KindIndex[] = [];
  readonly #fields = new FieldIndex();
  #objects = new Map<string, StoredObject>();
  #sortedKeys: string[] | undefined;
  #window: EventWindow;
  #revision = 0;
  #sizeBytes = 0;

  constructor(kind: Kind, { limits, own, decoded, figures }: KindCacheParts = {}) {
    this.kind = kind;
    this.figures = figures ?? uncountedCache(kind);
    this.prefix = kindPrefix(kind);
    this.#limits = limits;
    this.#own = own;
    this.#decoded = decoded ?? new DecodedObjects();
    this.#watchers = new WatchIndex(this.prefix);
    this.#window = new EventWindow(0, limits);
  }

  /** Every change up to here is in the cache. */
  get revision(): number {
    return this.#revision;
  }
  get window(): EventWindow {
    return this.#window;
  }
  get count(): number {
    return this.#objects.size;
  }
  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  get listenerCount(): number {
    return this.#watchers.listenerCount;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** Objects whose key starts with `prefix`, by key. */
  list(prefix: string): StoredObject[] {
    const keys = this.#keys();
    const end = firstAtLeast(keys, afterAll(prefix));
    return this.#at(keys.slice(firstAtLeast(keys, prefix), end));
  }

  /** Objects in the scope, by key. */
  select(scope: Scope): StoredObject[] {
    return selected(this.candidates(scope), scope);
  }

  /** Those among which all in the scope are, by key: what has a field's value that the scope fixes, or else all that stands
   *  under its prefix, whichever is less. */
  candidates(scope: Scope): Candidates {
    const keys = this.#keys();
    const start = firstAtLeast(keys, scope.prefix);
    const end = firstAtLeast(keys, afterAll(scope.prefix));
    let fewest: ReadonlySet<string> | undefined;
    let index = "";
    for (const { field, equal, value } of scope.fields) {
      if (!equal) continue;
      const having = this.#fields.keys(field, value, this.#objects.values());
      if (having.size >= (fewest?.size ?? end - start)) continue;
      fewest = having;
      index = `f:${field}`;
    }
    return { objects: this.#at(fewest === undefined ? keys.slice(start, end) : [...fewest].sort()), index };
  }

  #keys(): string[] {
    this.#sortedKeys ??= [...this.#objects.keys()].sort();
    return this.#sortedKeys;
  }

  #at(keys: readonly string[]): StoredObject[] {
    return keys.flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** Every change wakes the listener. */
  listen(listener: CacheListener): () => void {
    return this.#watchers.add(listener, undefined, this.#window).leave;
  }

  /** Only what may concern the scope wakes the listener; the share says which events those are, where it is not all. */
  follow(listener: CacheListener, scope: Scope): ReturnType<WatchIndex["add"]> {
    return this.#watchers.add(listener, scope, this.#window);
  }

  /** Keeps the index in step with the objects from now on. */
  addIndex(index: KindIndex): void {
    this.#indexes.push(index);
    index.clear();
    for (const { object } of this.#objects.values()) index.changed(undefined, object);
  }

  /** The entries' objects, to be installed; none of the entries' own bytes are kept. */
  read(entries: readonly StoredEntry[]): StoredObject[] {
    return entries.map((entry) => {
      const object = new StoredObject(this.kind, entry);
      object.keepBy(this.#decoded);
      return object;
    });
  }

  /** Starts over with a whole state. Whoever listens is ended first, where the old state ends: changes between the two
   *  may be missing. */
  install(objects: readonly StoredObject[], revision: number): void {
    this.endListeners();
    this.#fields.clear();
    this.#objects = new Map(objects.map((object) => [object.key, object]));
    for (const index of this.#indexes) {
      index.clear();
      for (const { object } of this.#objects.values()) index.changed(undefined, object);
    }
    this.#sortedKeys = undefined;
    this.#sizeBytes = objects.reduce((sum, object) => sum + object.sizeBytes, 0);
    this.#window = new EventWindow(revision, this.#limits);
    this.#revision = revision;
  }

  endListeners(): void {
    this.#watchers.end();
  }

  /** Changes of one revision; those that the installed state holds already are passed over. */
  apply(changes: readonly Change[], revision: number, nowMs: number): void {
    if (revision <= this.#revision) return;
    const concerned = new Set<WatchShare>();
    for (const change of changes) this.#applyOne(change, nowMs, concerned);
    this.figures.dispatched.count += changes.length;
    this.#revision = revision;
    this.#watchers.wake(concerned);
  }

  /** There was no change of this kind up to `revision`. */
  advance(revision: number): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  #applyOne(change: Change, nowMs: number, concerned: Set<WatchShare>): void {
    const previous = this.#objects.get(change.key);
    const revision = change.modRevision;
    this.#sizeBytes -= previous?.sizeBytes ?? 0;
    if (change.type === "delete") {
      if (previous === undefined) return;
      this.#objects.delete(change.key);
      this.#fields.changed(previous, undefined);
      for (const index of this.#indexes) index.changed(previous.object, undefined);
      if (this.#sortedKeys) removeSorted(this.#sortedKeys, change.key);
      this.#push({ type: "delete", revision, object: undefined, previous }, nowMs, concerned);
      return;
    }
    const object = this.#own?.take(this.kind, change) ?? new StoredObject(this.kind, change);
    object.keepBy(this.#decoded);
    this.#objects.set(change.key, object);
    this.#fields.changed(previous, object);
    for (const index of this.#indexes) index.changed(previous?.object, object.object);
    this.#sizeBytes += object.sizeBytes;
    if (previous === undefined && this.#sortedKeys) insertSorted(this.#sortedKeys, change.key);
    this.#push({ type: "put", revision, object, previous }, nowMs, concerned);
  }

  #push(event: CacheEvent, nowMs: number, concerned: Set<WatchShare>): void {
    this.#window.push(event, nowMs);
    this.#watchers.note(event, this.#window, concerned);
  }
}

export function selected({ objects }: Candidates, scope: Scope): StoredObject[] {
  if (scope.labels.length === 0 && scope.fields.length === 0) return objects;
  return objects.filter((object) => inScope(scope, object));
}

/** Comes after every key that begins with the prefix, which ends in "/", and before all others that come after them. */
const afterAll = (prefix: string) => `${prefix.slice(0, -1)}0`;

function firstAtLeast(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertSorted(keys: string[], key: string): void {
  keys.splice(firstAtLeast(keys, key), 0, key);
}

function removeSorted(keys: string[], key: string): void {
  const at = firstAtLeast(keys, key);
  if (keys[at] === key) keys.splice(at, 1);
}
