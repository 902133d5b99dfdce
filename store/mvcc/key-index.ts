import { Arena } from "../../base/arena.ts";
import { assert } from "../../base/assert.ts";
import { KeyOrder } from "./key-order.ts";
import { KeyRecords, marks } from "./key-records.ts";
import { KeyTable } from "./key-table.ts";
import { type Drop, OlderPoints, type Point } from "./older-points.ts";
import { SlotList } from "./slot-list.ts";

/** Bytes of keys: [from, to), `to` undefined for "to the end". */
export interface Span {
  readonly from: Uint8Array;
  readonly to: Uint8Array | undefined;
}

/** Of keys that are entered in the table at a stretch. */
const listedBytesMax = 1024 * 1024;

/** A point that is filled in anew for each key. */
export interface FoundPoint extends Point {
  main: number;
  sub: number;
  deletion: boolean;
}

export const noPoint = (): FoundPoint => ({ main: 0, sub: 0, deletion: false });

/** Every key's points in time. A key is known by its slot, a positive number that is its own as long as the index holds it:
 *  only a compaction removes keys. All of it lies in typed arrays, so that the collector has nothing to mark. */
export class KeyIndex {
  readonly #arena = new Arena();
  /** What is known of a slot's key: its newest point, the revision `create` at which the living generation began (without
   *  meaning when `version` is 0), and its puts since, `version`; 0 means that the newest point is a deletion. */
  readonly records = new KeyRecords(this.#arena);
  /** Chains of points before the newest, one per key (`records.olderOf`). */
  readonly older = new OlderPoints(this.#arena);
  readonly #table = new KeyTable(this.records);
  readonly #order = new KeyOrder(this.records);
  /** Keys of which a compaction might drop something; they are marked so. */
  #compactable = new SlotList();
  #living = 0;
  #size = 0;

  /** Keys that exist at the newest revision. */
  get living(): number {
    return this.#living;
  }

  /** Keys known, deleted ones with history included. */
  get size(): number {
    return this.#size;
  }

  /** Whether the table knows all keys, so that none is looked for in the order. */
  get isListed(): boolean {
    return this.#table.unlisted === 0;
  }

  /** The key's slot, or 0 where it is unknown. */
  find(key: Uint8Array): number {
    const slot = this.#table.find(key);
    return slot === 0 && this.#table.unlisted > 0 ? this.#order.find(key) : slot;
  }

  /** Adds a newest point to the key, whose slot is `known` (0: none yet); answers its slot. */
  put(key: Uint8Array, known: number, main: number, sub: number): number {
    if (known === 0) {
      const slot = this.#add(key);
      this.records.setNewest(slot, main, sub);
      this.records.setGeneration(slot, main, 1);
      this.#living++;
      return slot;
    }
    this.#age(known);
    const version = this.records.versionOf(known);
    if (version === 0) {
      this.records.setGeneration(known, main, 1);
      this.#living++;
    } else this.records.setVersion(known, version + 1);
    this.records.setNewest(known, main, sub);
    return known;
  }

  /** Adds a deletion of a living key. */
  delete(slot: number, main: number, sub: number): void {
    assert(this.records.versionOf(slot) > 0, "key index: only a living key can be deleted");
    this.#age(slot);
    this.records.setVersion(slot, 0);
    this.records.setNewest(slot, main, sub);
    this.#living--;
  }

  /** Fills in the newest point at or before `revision`; false where there is none. */
  pointAt(slot: number, revision: number, point: FoundPoint): boolean {
    const { records } = this;
    const main = records.mainOf(slot);
    if (main <= revision) {
      point.main = main;
      point.sub = records.subOf(slot);
      point.deletion = records.versionOf(slot) === 0;
      return true;
    }
    const chain = records.olderOf(slot);
    const older = chain === 0 ? 0 : this.older.find(chain, revision);
    if (older === 0) return false;
    point.main = this.older.mainOf(older);
    point.sub = this.older.subOf(older);
    point.deletion = this.older.isDeletion(older);
    return true;
  }

  /** Looks at no more than `keysMax` keys of the span and visits those that exist now, in order. Answers where to go on;
   *  undefined at the end. */
  visitLiving(span: Span, keysMax: number, visit: (slot: number) => void): Uint8Array | undefined {
    return this.#visit(span, keysMax, (slot) => {
      if (this.records.versionOf(slot) > 0) visit(slot);
      return true;
    });
  }

  /** Looks at no more than `keysMax` keys of the span and visits those that existed at `revision`, in order, until `visit`
   *  answers false; the point is filled in anew for each. Answers where to go on; undefined at the end. */
  visitAt(
    span: Span,
    { revision, keysMax }: { readonly revision: number; readonly keysMax: number },
    visit: (slot: number, point: Point) => boolean,
  ): Uint8Array | undefined {
    const point = noPoint();
    return this.#visit(
      span,
      keysMax,
      (slot) => !this.pointAt(slot, revision, point) || point.deletion || visit(slot, point),
    );
  }

  /** Looks at no more than `keysMax` keys from `from` on, deleted ones too, in order. Answers where to go on; undefined at the
   *  end. */
  visitEvery(from: Uint8Array, keysMax: number, visit: (slot: number) => void): Uint8Array | undefined {
    return this.#visit({ from, to: undefined }, keysMax, (slot) => {
      visit(slot);
      return true;
    });
  }

  #visit(span: Span, keysMax: number, visit: (slot: number) => boolean): Uint8Array | undefined {
    let looked = 0;
    let next: Uint8Array | undefined;
    this.#order.visit(span.from, span.to, (slot) => {
      if (looked++ === keysMax) {
        next = Uint8Array.from(this.records.keyOf(slot));
        return false;
      }
      if (visit(slot)) return true;
      next = successorOf(this.records.keyOf(slot));
      return false;
    });
    return next;
  }

  /** Begins to forget what a compaction at `revision` drops. Compactions do not overlap. */
  compaction(revision: number): IndexCompaction {
    const slots = this.#compactable;
    this.#compactable = new SlotList();
    let looked = 0;
    let dropped = 0; // a chain of points of the last key
    return {
      next: (stepsMax, drop) => {
        for (let steps = 0; steps < stepsMax; steps++) {
          if (dropped !== 0) dropped = this.older.dropChunk(dropped, drop);
          else if (looked < slots.length) dropped = this.#compactKey(slots.at(looked++), revision, drop);
          else return false;
        }
        return true;
      },
    };
  }

  /** Forgets the points of one key that a compaction drops. Those that were older ones are answered as a chain. */
  #compactKey(slot: number, revision: number, drop: Drop): number {
    const { records } = this;
    const chain = records.olderOf(slot);
    const main = records.mainOf(slot);
    const isDeleted = records.versionOf(slot) === 0;
    records.mark(slot, marks.compactable, false);
    // A deletion at the compact revision itself stays visible to watchers that start there (etcd issue 18089).
    if (isDeleted && main < revision) {
      drop(main, records.subOf(slot), true);
      this.#remove(slot);
      return chain;
    }
    const { kept, dropped } =
      main <= revision ? { kept: 0, dropped: chain } : this.older.part(chain, revision);
    records.setOlder(slot, kept);
    if (kept !== 0 || isDeleted) this.#noteCompactable(slot);
    return dropped;
  }

  /** Adds a row read back from the backend; rows come in rising order of revision. Answers the key's slot, or 0 where a
   *  checkpoint has told of this point, and so of all up to the key's newest. */
  restore(key: Uint8Array, row: Point & { readonly create: number; readonly version: number }): number {
    const { main, sub, deletion, create, version } = row;
    // Rows are mostly in the order of their keys, too, where many were loaded; those are not looked for.
    const known = this.#order.isBehindAll(key) ? 0 : this.find(key);
    const slot = known === 0 ? this.#add(key) : known;
    if (known !== 0) {
      if (!isBehind(row, this.records.mainOf(slot), this.records.subOf(slot))) return 0;
      if (this.records.versionOf(slot) > 0) this.#living--;
      this.#age(slot);
    } else if (deletion) this.#noteCompactable(slot);
    if (!deletion) this.#living++;
    this.records.setNewest(slot, main, sub);
    this.records.setGeneration(slot, create, version);
    return slot;
  }

  /** Makes room for so many keys in one go. Only an empty index does. */
  reserve(keys: number): void {
    this.#table.reserve(keys);
  }

  /** Enters no more than `keysMax` keys, and fewer long ones, from `from` on in the table, where a checkpoint's are not: that takes
   *  as long as half of all else of loading them, and until then they are found by their order. Answers where to go on; undefined
   *  at the end. */
  list(from: Uint8Array, keysMax: number): Uint8Array | undefined {
    let bytes = 0;
    return this.#visit({ from, to: undefined }, keysMax, (slot) => {
      const key = this.records.keyOf(slot);
      this.#table.addLeftOut(slot, key);
      bytes += key.length;
      return bytes < listedBytesMax;
    });
  }

  /** Adds a key of a checkpoint, whose first `known` bytes are those of the key before; its points follow. Answers its slot. Keys
   *  come in order: 0, and nothing is added, where this one does not. */
  load(key: Uint8Array, known: number): number {
    if (!this.#order.isBehindAll(key, known)) return 0;
    const slot = this.records.add(key);
    this.#order.addBehindAll(slot);
    this.#table.leaveOut();
    this.#size++;
    return slot;
  }

  /** Sets the newest point of a key of a checkpoint; a deletion is of version 0. */
  loadNewest(slot: number, main: number, sub: number, create: number, version: number): void {
    if (version === 0) this.#noteCompactable(slot);
    else this.#living++;
    this.records.setNewest(slot, main, sub);
    this.records.setGeneration(slot, create, version);
  }

  /** Adds an older point to a key of a checkpoint; they come in rising order. */
  loadOlder(slot: number, main: number, sub: number, deletion: boolean): void {
    this.records.setOlder(slot, this.older.push(this.records.olderOf(slot), main, sub, deletion));
    this.#noteCompactable(slot);
  }

  #add(key: Uint8Array): number {
    const slot = this.records.add(key);
    this.#table.add(slot, key);
    this.#order.add(slot, key);
    this.#size++;
    return slot;
  }

  #remove(slot: number): void {
    const key = this.records.keyOf(slot);
    this.#table.remove(key);
    this.#order.remove(key);
    this.records.remove(slot);
    this.#size--;
  }

  /** Moves the newest point to the older ones. */
  #age(slot: number): void {
    const { records } = this;
    const deletion = records.versionOf(slot) === 0;
    const chain = records.olderOf(slot);
    records.setOlder(slot, this.older.push(chain, records.mainOf(slot), records.subOf(slot), deletion));
    this.#noteCompactable(slot);
  }

  #noteCompactable(slot: number): void {
    if (this.records.isMarked(slot, marks.compactable)) return;
    this.records.mark(slot, marks.compactable, true);
    this.#compactable.push(slot);
  }
}

/** A compaction of the index that is under way. */
export interface IndexCompaction {
  /** Takes so many short steps, and hands each point that goes to `drop`. False once nothing is left. */
  next(stepsMax: number, drop: Drop): boolean;
}

function isBehind(point: Point, main: number, sub: number): boolean {
  return point.main > main || (point.main === main && point.sub > sub);
}

/** The first key behind this one. */
function successorOf(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
