import { dictionaryOf } from "../registry/packed-bytes.ts";
import type { StoredObject } from "../registry/stored-object.ts";

/** One change of one object as watchers of its kind see it. `object` after it, `previous` before it. */
export type CacheEvent =
  | {
      readonly type: "put";
      readonly revision: number;
      readonly object: StoredObject;
      readonly previous: StoredObject | undefined;
    }
  | {
      readonly type: "delete";
      readonly revision: number;
      readonly object: undefined;
      readonly previous: StoredObject;
    };

export interface WindowLimits {
  /** Younger events stay as long as the budget allows. */
  readonly ageMinMs: number;
  /** So many stay however old they are: kinds that change rarely are resumed from far back. */
  readonly eventsMin: number;
  /** The newest so many are not packed: watchers who keep up read them at once. */
  readonly unpackedMax: number;
}

/** Kubernetes' event history: a bookmark comes at least once a minute, and some time to come back with it. */
export const windowLimits: WindowLimits = { ageMinMs: 75_000, eventsMin: 2048, unpackedMax: 128 };

/** What an event costs beside the bytes of the state it replaced: itself, and the objects around those bytes. */
const eventBytes = 600;

interface Entry {
  readonly event: CacheEvent;
  readonly atMs: number;
}

/** The recent changes of a kind, by sequence number: what a watch may resume from, and the queue that all watchers
 *  share. A watcher keeps only its place in it, so a slow one costs nothing and is ended once its place has left.
 *  Invariant: revisions never fall; every change with a revision above `floorRevision` is in the window. */
export class EventWindow {
  readonly #limits: WindowLimits;
  /** Those before `#head` have left. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  /** Sequence number of `#entries[0]`. */
  #base = 0;
  #sizeBytes = 0;
  #floorRevision: number;
  #dictionary: Buffer | undefined;
  /** Set where memory is short: what is packed from then on takes a tenth, and some time. */
  compresses = false;

  /** Empty; history begins after `floorRevision`. */
  constructor(floorRevision: number, limits: WindowLimits = windowLimits) {
    this.#floorRevision = floorRevision;
    this.#limits = limits;
  }

  /** A watch can resume after this revision or any later one. */
  get floorRevision(): number {
    return this.#floorRevision;
  }
  /** The sequence number the next event will get. */
  get end(): number {
    return this.#base + this.#entries.length;
  }
  /** That of the oldest event. */
  get headSequence(): number {
    return this.#base + this.#head;
  }
  get count(): number {
    return this.#entries.length - this.#head;
  }
  /** What the window keeps from being freed: the states that its events replaced, and the events. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  /** When the oldest event came; `undefined` when there is none. */
  get oldestMs(): number | undefined {
    return this.#entries[this.#head]?.atMs;
  }

  push(event: CacheEvent, nowMs: number): void {
    this.#entries.push({ event, atMs: nowMs });
    this.#sizeBytes += costBytes(event);
    this.#pack(this.#entries[this.#entries.length - 1 - this.#limits.unpackedMax]?.event.previous);
    const { ageMinMs, eventsMin } = this.#limits;
    while (this.count > eventsMin && nowMs - (this.oldestMs ?? nowMs) > ageMinMs) this.dropOldest();
  }

  /** What an event replaced is needed by none but those who resume; what it brought is packed with the next. */
  #pack(replaced: StoredObject | undefined): void {
    if (replaced === undefined) return;
    const beforeBytes = replaced.keptBytes;
    if (this.compresses) this.#dictionary ??= dictionaryOf(replaced.bareJson());
    replaced.pack(this.compresses ? this.#dictionary : undefined);
    this.#sizeBytes += replaced.keptBytes - beforeBytes;
  }

  /** The oldest event leaves; watchers who have not read it are told when they come for it. */
  dropOldest(): void {
    const oldest = this.#entries[this.#head]?.event;
    if (oldest === undefined) return;
    this.#entries[this.#head] = undefined;
    this.#head++;
    this.#sizeBytes -= costBytes(oldest);
    this.#floorRevision = oldest.revision;
    if (this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#base += this.#head;
    this.#head = 0;
  }

  /** The event with that sequence number; `undefined` at the end; `"gone"` when it has left the window. */
  at(sequence: number): CacheEvent | undefined | "gone" {
    if (sequence < this.#base + this.#head) return "gone";
    return this.#entries[sequence - this.#base]?.event;
  }

  /** The sequence number of the first event after `revision`; `"gone"` when some of them have left the window. */
  after(revision: number): number | "gone" {
    if (revision < this.#floorRevision) return "gone";
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.event.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return this.#base + low;
  }
}

/** What an event brought is in the cache, or is what a later event replaced: it is counted there. */
function costBytes(event: CacheEvent): number {
  return eventBytes + (event.previous?.keptBytes ?? 0);
}
