import { type Arena, type Slab, slabMask, slabShift } from "../../base/arena.ts";
import { digestOf, type KeyRecords } from "./key-records.ts";

/** A leaf is a block of words: how many entries it has, with how many bytes all their keys begin alike, the slots, and a digest
 *  of each, the key's next four bytes: comparing these, a search looks at few records. */
const leafUnits = 256;
const entriesMax = leafUnits - 1;
const alikeAt = 1;
const slotsStart = 2;
const digestsStart = slotsStart + entriesMax;

/** Slots in byte order of their keys: leaves under one sorted list of leaves.
 *  Invariant: no leaf is empty. */
export class KeyOrder {
  readonly #records: KeyRecords;
  readonly #arena: Arena;
  readonly #slabs: Slab[];
  /** Addresses of the leaves, in order, and the first slot of each. */
  #leaves = new Int32Array(64);
  #firsts = new Int32Array(64);
  #leafCount = 0;
  /** Where the last search ended: which leaf, which entry of it. */
  #leafAt = 0;
  #entryAt = 0;

  constructor(records: KeyRecords) {
    this.#records = records;
    this.#arena = records.arena;
    this.#slabs = records.arena.slabs;
  }

  /** 0 where there is none. */
  find(key: Uint8Array): number {
    if (!this.#search(key) || this.#entryAt === this.#countOf(this.#leafAt)) return 0;
    const slot = this.#slotOf(this.#leafAt, this.#entryAt);
    return this.#records.isKey(slot, key) ? slot : 0;
  }

  /** The key is not in it yet. */
  add(slot: number, key: Uint8Array): void {
    if (this.#leafCount === 0) {
      this.#insertLeaf(0, this.#arena.allocate(leafUnits), slot);
      this.#wordsOf(0).fill(0, this.#startOf(0), this.#startOf(0) + slotsStart);
    } else if (this.#isBehindAll(key)) {
      this.#leafAt = this.#leafCount - 1;
      this.#entryAt = this.#countOf(this.#leafAt);
    } else this.#search(key);
    if (this.#countOf(this.#leafAt) === entriesMax) this.#split(slot);
    this.#insertEntry(slot, key);
  }

  /** The key is in it. */
  remove(key: Uint8Array): void {
    this.#search(key);
    const leafAt = this.#leafAt;
    const words = this.#wordsOf(leafAt);
    const start = this.#startOf(leafAt);
    const count = (words[start] as number) - 1;
    for (const first of [slotsStart, digestsStart]) {
      const at = start + first + this.#entryAt;
      words.copyWithin(at, at + 1, start + first + count + 1);
    }
    words[start] = count;
    if (count === 0) this.#removeLeaf(leafAt);
    else {
      this.#firsts[leafAt] = words[start + slotsStart] as number;
      if (count < entriesMax / 4) this.#mergeWithNext(leafAt);
    }
  }

  /** Visits the slots of the keys in [from, to) in order (`to` undefined: to the end) until `visit` answers false. Nothing may
   *  be added or removed meanwhile. */
  visit(from: Uint8Array, to: Uint8Array | undefined, visit: (slot: number) => boolean): void {
    if (!this.#search(from)) return;
    let entry = this.#entryAt;
    for (let leafAt = this.#leafAt; leafAt < this.#leafCount; leafAt++) {
      const words = this.#wordsOf(leafAt);
      const start = this.#startOf(leafAt) + slotsStart;
      const count = this.#countOf(leafAt);
      const isLast =
        to !== undefined && this.#records.compare(words[start + count - 1] as number, to, 0) >= 0;
      const end = isLast ? this.#lowerBound(leafAt, to) : count;
      for (; entry < end; entry++) if (!visit(words[start + entry] as number)) return;
      if (isLast) return;
      entry = 0;
    }
  }

  #isBehindAll(key: Uint8Array): boolean {
    const last = this.#leafCount - 1;
    return this.#records.compare(this.#slotOf(last, this.#countOf(last) - 1), key, 0) < 0;
  }

  /** Finds the leaf that the key belongs to and its first entry at or behind the key. False where there are no leaves. */
  #search(key: Uint8Array): boolean {
    if (this.#leafCount === 0) return false;
    const records = this.#records;
    let low = 0; // a leaf that begins at or before the key, or the first
    let high = this.#leafCount; // a leaf that begins behind it
    // What both have in common with the key, all between them has.
    let lowCommon = 0;
    let highCommon = 0;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const known = lowCommon < highCommon ? lowCommon : highCommon;
      if (records.compare(this.#firsts[middle] as number, key, known) <= 0) {
        low = middle;
        lowCommon = records.common;
      } else {
        high = middle;
        highCommon = records.common;
      }
    }
    this.#leafAt = low;
    this.#entryAt = this.#lowerBound(low, key);
    return true;
  }

  /** The first entry of the leaf that is at or behind the key. */
  #lowerBound(leafAt: number, key: Uint8Array): number {
    const records = this.#records;
    const words = this.#wordsOf(leafAt);
    const start = this.#startOf(leafAt);
    const alike = words[start + alikeAt] as number;
    const order = records.compare(words[start + slotsStart] as number, key, 0);
    if (order >= 0) return 0;
    if (records.common < alike) return words[start] as number;
    const digest = digestOf(key, alike, key.length);
    let low = 1;
    let high = words[start] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const held = words[start + digestsStart + middle] as number;
      const isBefore =
        held === digest
          ? records.compare(words[start + slotsStart + middle] as number, key, alike) < 0
          : held < digest;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes room in the leaf of the last search. Keys added in order leave full leaves behind them. */
  #split(slot: number): void {
    const leafAt = this.#leafAt;
    const isAppending = leafAt === this.#leafCount - 1 && this.#entryAt === entriesMax;
    const kept = isAppending ? entriesMax : entriesMax >>> 1;
    const words = this.#wordsOf(leafAt);
    const start = this.#startOf(leafAt);
    this.#insertLeaf(
      leafAt + 1,
      this.#arena.allocate(leafUnits),
      isAppending ? slot : (words[start + slotsStart + kept] as number),
    );
    const addedWords = this.#wordsOf(leafAt + 1);
    const addedStart = this.#startOf(leafAt + 1);
    addedWords.set(words.subarray(start + slotsStart + kept, start + digestsStart), addedStart + slotsStart);
    words[start] = kept;
    addedWords[addedStart] = entriesMax - kept;
    addedWords[addedStart + alikeAt] = 0;
    if (!isAppending) {
      this.#digest(leafAt);
      this.#digest(leafAt + 1);
    }
    if (this.#entryAt < kept || (this.#entryAt === kept && !isAppending)) return;
    this.#leafAt = leafAt + 1;
    this.#entryAt -= kept;
  }

  /** Inserts where the last search ended. */
  #insertEntry(slot: number, key: Uint8Array): void {
    const leafAt = this.#leafAt;
    const words = this.#wordsOf(leafAt);
    const start = this.#startOf(leafAt);
    const count = words[start] as number;
    const entryAt = this.#entryAt;
    if (entryAt < count)
      for (const first of [slotsStart, digestsStart]) {
        const at = start + first + entryAt;
        words.copyWithin(at + 1, at, start + first + count);
      }
    words[start + slotsStart + entryAt] = slot;
    words[start] = count + 1;
    if (entryAt === 0) this.#firsts[leafAt] = slot;
    const alike = words[start + alikeAt] as number;
    if ((entryAt === 0 || entryAt === count) && this.#alikeIn(leafAt) !== alike) this.#digest(leafAt);
    else words[start + digestsStart + entryAt] = digestOf(key, alike, key.length);
  }

  /** With how many bytes the keys of a leaf begin alike: as many as its first and its last. */
  #alikeIn(leafAt: number): number {
    const records = this.#records;
    records.compare(
      this.#slotOf(leafAt, this.#countOf(leafAt) - 1),
      records.keyOf(this.#slotOf(leafAt, 0)),
      0,
    );
    return records.common;
  }

  /** Makes the digests of a leaf anew. */
  #digest(leafAt: number): void {
    const words = this.#wordsOf(leafAt);
    const start = this.#startOf(leafAt);
    const count = words[start] as number;
    const alike = this.#alikeIn(leafAt);
    words[start + alikeAt] = alike;
    for (let at = 0; at < count; at++)
      words[start + digestsStart + at] = this.#records.digestOf(
        words[start + slotsStart + at] as number,
        alike,
      );
  }

  #insertLeaf(leafAt: number, leaf: number, first: number): void {
    if (this.#leafCount === this.#leaves.length) {
      this.#leaves = doubled(this.#leaves);
      this.#firsts = doubled(this.#firsts);
    }
    this.#leaves.copyWithin(leafAt + 1, leafAt, this.#leafCount);
    this.#firsts.copyWithin(leafAt + 1, leafAt, this.#leafCount);
    this.#leaves[leafAt] = leaf;
    this.#firsts[leafAt] = first;
    this.#leafCount++;
  }

  #removeLeaf(leafAt: number): void {
    this.#arena.free(this.#leaves[leafAt] as number, leafUnits);
    this.#leaves.copyWithin(leafAt, leafAt + 1, this.#leafCount);
    this.#firsts.copyWithin(leafAt, leafAt + 1, this.#leafCount);
    this.#leafCount--;
  }

  #mergeWithNext(leafAt: number): void {
    if (leafAt + 1 === this.#leafCount) return;
    const count = this.#countOf(leafAt);
    const nextCount = this.#countOf(leafAt + 1);
    if (count + nextCount > entriesMax / 2) return;
    const nextStart = this.#startOf(leafAt + 1) + slotsStart;
    const moved = this.#wordsOf(leafAt + 1).subarray(nextStart, nextStart + nextCount);
    const words = this.#wordsOf(leafAt);
    const start = this.#startOf(leafAt);
    words.set(moved, start + slotsStart + count);
    words[start] = count + nextCount;
    this.#digest(leafAt);
    this.#removeLeaf(leafAt + 1);
  }

  #wordsOf(leafAt: number): Int32Array {
    return (this.#slabs[(this.#leaves[leafAt] as number) >>> slabShift] as Slab).words;
  }

  #startOf(leafAt: number): number {
    return ((this.#leaves[leafAt] as number) & slabMask) * 2;
  }

  #countOf(leafAt: number): number {
    return this.#wordsOf(leafAt)[this.#startOf(leafAt)] as number;
  }

  #slotOf(leafAt: number, entryAt: number): number {
    return this.#wordsOf(leafAt)[this.#startOf(leafAt) + slotsStart + entryAt] as number;
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const out = new Int32Array(array.length * 2);
  out.set(array);
  return out;
}
