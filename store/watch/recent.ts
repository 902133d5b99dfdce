import type { WatchEvent } from "./event-bytes.ts";

export interface RevisionEvents {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

export interface RecentLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** The last revisions, without a gap, for watches that are only a little behind. */
export class RecentRevisions {
  #revisions: RevisionEvents[] = [];
  #head = 0;
  #events = 0;
  #bytes = 0;
  /** Every revision from here to the newest is held. */
  #first: number;
  readonly #limits: RecentLimits;

  constructor(newest: number, limits: RecentLimits) {
    this.#limits = limits;
    this.#first = newest + 1;
  }

  get first(): number {
    return this.#first;
  }
  get sizeBytes(): number {
    return this.#bytes;
  }

  push(entry: RevisionEvents): void {
    this.#revisions.push(entry);
    this.#events += entry.events.length;
    for (const event of entry.events) this.#bytes += event.sizeBytes;
    while (this.#events > this.#limits.eventsMax || this.#bytes > this.#limits.bytesMax) {
      if (this.#head === this.#revisions.length) break;
      this.#drop();
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#revisions.length) {
      this.#revisions = this.#revisions.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Revisions at or after `revision`, which is not before `first`. */
  *from(revision: number): Iterable<RevisionEvents> {
    let low = this.#head;
    let high = this.#revisions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#revisions[middle] as RevisionEvents).revision < revision) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < this.#revisions.length; at++) yield this.#revisions[at] as RevisionEvents;
  }

  #drop(): void {
    const oldest = this.#revisions[this.#head++] as RevisionEvents;
    this.#first = oldest.revision + 1;
    this.#events -= oldest.events.length;
    if (this.#events === 0) this.#bytes = 0;
    else for (const event of oldest.events) this.#bytes -= Math.min(this.#bytes, event.sizeBytes);
  }
}
