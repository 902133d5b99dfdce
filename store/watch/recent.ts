import { DeletionChange, PutChange, type StoredChange } from "../mvcc/change.ts";
import type { Revision } from "../revisions/revision-key.ts";
import { WatchEvent } from "./event-bytes.ts";

export interface RevisionEvents {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

export interface RecentLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

const blockChanges = 1_024;
/** What a change takes beside its value, roughly. */
const changeBytes = 64;
const nothing = new ArrayBuffer(0);
const flags = { deletion: 1, isInEvent: 2, hasPrevious: 4 } as const;

/** So many changes in a row, without an object each: the collector need not look at them. */
class Block {
  readonly #memory: ArrayBufferLike[] = [];
  readonly #starts = new Float64Array(blockChanges);
  readonly #lengths = new Uint32Array(blockChanges);
  readonly #revisions = new Float64Array(blockChanges);
  readonly #subs = new Uint32Array(blockChanges);
  readonly #previousRevisions = new Float64Array(blockChanges);
  readonly #previousSubs = new Uint32Array(blockChanges);
  readonly #flags = new Uint8Array(blockChanges);

  set(at: number, change: StoredChange): void {
    const { value, previous } = change;
    this.#memory[at] = value.buffer;
    this.#starts[at] = value.byteOffset;
    this.#lengths[at] = value.length;
    this.#revisions[at] = change.main;
    this.#subs[at] = change.sub;
    this.#flags[at] =
      (change.deletion ? flags.deletion : 0) |
      (change.isInEvent ? flags.isInEvent : 0) |
      (previous === undefined ? 0 : flags.hasPrevious);
    if (previous === undefined) return;
    this.#previousRevisions[at] = previous.main;
    this.#previousSubs[at] = previous.sub;
  }

  revision(at: number): number {
    return this.#revisions[at] as number;
  }

  sizeBytes(at: number): number {
    return (this.#lengths[at] as number) + changeBytes;
  }

  change(at: number): StoredChange {
    const memory = this.#memory[at] as ArrayBufferLike;
    const value = new Uint8Array(memory, this.#starts[at] as number, this.#lengths[at] as number);
    const place = { main: this.revision(at), sub: this.#subs[at] as number };
    const set = this.#flags[at] as number;
    const previous = (set & flags.hasPrevious) === 0 ? undefined : this.#previous(at);
    if ((set & flags.deletion) !== 0) return new DeletionChange(place, value, previous);
    return new PutChange(place, value, { isInEvent: (set & flags.isInEvent) !== 0, previous });
  }

  /** Lets go of the memory of a change: blocks stay longer than those they begin with. */
  forget(at: number): void {
    this.#memory[at] = nothing;
  }

  #previous(at: number): Revision {
    return { main: this.#previousRevisions[at] as number, sub: this.#previousSubs[at] as number };
  }
}

/** The last revisions, without a gap, for watches that are only a little behind. */
export class RecentRevisions {
  readonly #limits: RecentLimits;
  /** All but the last are full. */
  readonly #blocks: Block[] = [];
  /** Of the first block: so many are forgotten. */
  #head = 0;
  #changes = 0;
  #bytes = 0;
  /** Every revision from here to the newest is held. */
  #first: number;

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

  /** Holds the changes of the next revision, and forgets the oldest beyond the limits. */
  push(changes: readonly StoredChange[]): void {
    for (const change of changes) this.#push(change);
    while (this.#changes > this.#limits.eventsMax || this.#bytes > this.#limits.bytesMax)
      this.#dropRevision();
  }

  /** Forgets everything up to `newest`. */
  clear(newest: number): void {
    this.#first = newest + 1;
    if (this.#changes === 0) return;
    this.#blocks.length = 0;
    this.#head = 0;
    this.#changes = 0;
    this.#bytes = 0;
  }

  /** The revisions [from, to); `from` is not before `first`. */
  between(from: number, to: number): RevisionEvents[] {
    const found: { readonly revision: number; readonly events: WatchEvent[] }[] = [];
    for (let at = this.#position(from); at < this.#changes; at++) {
      if (this.#revision(at) >= to) break;
      const change = this.#block(at).change((this.#head + at) % blockChanges);
      const last = found.at(-1);
      if (last?.revision === change.revision) last.events.push(new WatchEvent(change));
      else found.push({ revision: change.revision, events: [new WatchEvent(change)] });
    }
    return found;
  }

  #push(change: StoredChange): void {
    const end = this.#head + this.#changes;
    const at = end % blockChanges;
    if (end === this.#blocks.length * blockChanges) this.#blocks.push(new Block());
    const block = this.#blocks[this.#blocks.length - 1] as Block;
    block.set(at, change);
    this.#changes++;
    this.#bytes += block.sizeBytes(at);
  }

  #dropRevision(): void {
    const revision = this.#revision(0);
    this.#first = revision + 1;
    do {
      const block = this.#blocks[0] as Block;
      this.#bytes -= block.sizeBytes(this.#head);
      block.forget(this.#head);
      this.#changes--;
      if (++this.#head < blockChanges) continue;
      this.#blocks.shift();
      this.#head = 0;
    } while (this.#changes > 0 && this.#revision(0) === revision);
  }

  /** Where the changes of a revision begin. */
  #position(revision: number): number {
    let low = 0;
    let high = this.#changes;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#revision(middle) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #revision(at: number): number {
    return this.#block(at).revision((this.#head + at) % blockChanges);
  }

  #block(at: number): Block {
    return this.#blocks[Math.floor((this.#head + at) / blockChanges)] as Block;
  }
}

/** Recent revisions as events, each made once for all the watches that come for it in one go. */
export class HeldRevisions {
  readonly #recent: RecentRevisions;
  #made: readonly RevisionEvents[] = [];
  #first = Number.POSITIVE_INFINITY;

  constructor(recent: RecentRevisions) {
    this.#recent = recent;
  }

  /** The revisions from `revision` on, which is not before the first that is held. */
  from(revision: number): readonly RevisionEvents[] {
    if (revision < this.#first) {
      this.#made = [...this.#recent.between(revision, this.#first), ...this.#made];
      this.#first = revision;
    }
    return this.#made.slice(revision - this.#first);
  }
}
