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
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export const windowLimits: WindowLimits = { eventsMax: 2048, bytesMax: 8 * 1024 * 1024 };

/** The recent changes of a kind, by sequence number: what a watch may resume from, and the queue that all watchers
 *  share. A watcher keeps only its place in it, so a slow one costs nothing and is ended once its place has left.
 *  Invariant: revisions never fall; every change with a revision above `floorRevision` is in the window. */
export class EventWindow {
  readonly #limits: WindowLimits;
  #events: CacheEvent[] = [];
  /** Sequence number of `#events[0]`. */
  #first = 0;
  #sizeBytes = 0;
  #floorRevision: number;

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
    return this.#first + this.#events.length;
  }
  get count(): number {
    return this.#events.length;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#sizeBytes += costBytes(event);
    let drop = 0;
    while (
      this.#events.length - drop > this.#limits.eventsMax ||
      (this.#sizeBytes > this.#limits.bytesMax && this.#events.length - drop > 1)
    ) {
      const oldest = this.#events[drop];
      if (oldest === undefined) break;
      this.#sizeBytes -= costBytes(oldest);
      this.#floorRevision = oldest.revision;
      drop++;
    }
    if (drop === 0) return;
    this.#events.splice(0, drop);
    this.#first += drop;
  }

  /** The event with that sequence number; `undefined` at the end; `"gone"` when it has left the window. */
  at(sequence: number): CacheEvent | undefined | "gone" {
    if (sequence < this.#first) return "gone";
    return this.#events[sequence - this.#first];
  }

  /** The sequence number of the first event after `revision`; `"gone"` when some of them have left the window. */
  after(revision: number): number | "gone" {
    if (revision < this.#floorRevision) return "gone";
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return this.#first + low;
  }
}

function costBytes(event: CacheEvent): number {
  return (event.object?.sizeBytes ?? 0) + (event.previous?.sizeBytes ?? 0);
}
