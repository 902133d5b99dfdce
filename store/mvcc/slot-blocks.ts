import { type Slab, slabMask, slabShift } from "../../base/arena.ts";
import { digestOf, type KeyRecords } from "./key-records.ts";

/** A block of words: how many slots it has, with how many bytes all their keys begin alike, the slots in order of their keys,
 *  and a digest of each, the key's next four bytes: comparing these, a search looks at few records. A block may have a
 *  column more, of a word for each slot. */
export const blockUnits = { plain: 256, withColumn: 384 } as const;
export const slotsMax = 255;
const alikeAt = 1;
const slotsStart = 2;
const digestsStart = slotsStart + slotsMax;
const columnStart = digestsStart + slotsMax;

/** What can be done with blocks of an arena, each known by its address. */
export class SlotBlocks {
  readonly #records: KeyRecords;
  readonly #slabs: Slab[];

  constructor(records: KeyRecords) {
    this.#records = records;
    this.#slabs = records.arena.slabs;
  }

  /** A new block. */
  allocate(units: number): number {
    const block = this.#records.arena.allocate(units);
    this.#wordsOf(block)[startOf(block)] = 0;
    this.#wordsOf(block)[startOf(block) + alikeAt] = 0;
    return block;
  }

  countOf(block: number): number {
    return this.#wordsOf(block)[startOf(block)] as number;
  }
  slotAt(block: number, at: number): number {
    return this.#wordsOf(block)[startOf(block) + slotsStart + at] as number;
  }
  columnAt(block: number, at: number): number {
    return this.#wordsOf(block)[startOf(block) + columnStart + at] as number;
  }

  /** How many of the block's keys are before `key`, or the key itself where `orSame` says so. */
  rank(block: number, key: Uint8Array, orSame: boolean): number {
    const records = this.#records;
    const words = this.#wordsOf(block);
    const start = startOf(block);
    const least = orSame ? 1 : 0; // comparisons below it say "before"
    const count = words[start] as number;
    const alike = words[start + alikeAt] as number;
    if (count === 0 || records.compare(words[start + slotsStart] as number, key, 0) >= least) return 0;
    if (records.common < alike) return count;
    const digest = digestOf(key, alike, key.length);
    let low = 1;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const held = words[start + digestsStart + middle] as number;
      const isBefore =
        held === digest
          ? records.compare(words[start + slotsStart + middle] as number, key, alike) < least
          : held < digest;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Inserts a slot where its key belongs; the block has room. */
  insert(block: number, at: number, slot: number): void {
    const words = this.#wordsOf(block);
    const start = startOf(block);
    const count = words[start] as number;
    if (at < count) {
      shift(words, start + slotsStart + at, count - at, 1);
      shift(words, start + digestsStart + at, count - at, 1);
    }
    words[start] = count + 1;
    this.replace(block, at, slot);
  }

  /** Puts a slot behind all others, the last of whose keys begins with `common` bytes like its own; the block has room. */
  append(block: number, slot: number, common: number): void {
    const words = this.#wordsOf(block);
    const start = startOf(block);
    const count = words[start] as number;
    words[start] = count + 1;
    words[start + slotsStart + count] = slot;
    const alike = words[start + alikeAt] as number;
    if (count === 0 || common < alike) this.#digest(block);
    else words[start + digestsStart + count] = this.#records.digestOf(slot, alike);
  }

  /** The same in a block with a column. */
  insertWith(block: number, at: number, slot: number, value: number): void {
    const count = this.countOf(block);
    const words = this.#wordsOf(block);
    const column = startOf(block) + columnStart + at;
    if (at < count) shift(words, column, count - at, 1);
    words[column] = value;
    this.insert(block, at, slot);
  }

  /** Puts another slot in the place of one; the order stays. */
  replace(block: number, at: number, slot: number): void {
    const words = this.#wordsOf(block);
    const start = startOf(block);
    words[start + slotsStart + at] = slot;
    const alike = words[start + alikeAt] as number;
    const isAtEnd = at === 0 || at === (words[start] as number) - 1;
    if (isAtEnd && this.#alikeIn(block) !== alike) this.#digest(block);
    else words[start + digestsStart + at] = this.#records.digestOf(slot, alike);
  }

  remove(block: number, at: number): void {
    const words = this.#wordsOf(block);
    const start = startOf(block);
    const count = words[start] as number;
    shift(words, start + slotsStart + at + 1, count - at - 1, -1);
    shift(words, start + digestsStart + at + 1, count - at - 1, -1);
    words[start] = count - 1;
  }

  /** The same in a block with a column. */
  removeWith(block: number, at: number): void {
    const count = this.countOf(block);
    shift(this.#wordsOf(block), startOf(block) + columnStart + at + 1, count - at - 1, -1);
    this.remove(block, at);
  }

  /** Moves the slots from `first` on behind those of another block, which has room. */
  move(block: number, first: number, to: number): void {
    const moved = this.countOf(block) - first;
    if (moved === 0) return;
    const count = this.countOf(to);
    this.#copy(block, slotsStart + first, to, slotsStart + count, moved);
    this.#wordsOf(block)[startOf(block)] = first;
    this.#wordsOf(to)[startOf(to)] = count + moved;
    if (first > 0) this.#digest(block);
    this.#digest(to);
  }

  /** The same with the column. */
  moveWith(block: number, first: number, to: number): void {
    const moved = this.countOf(block) - first;
    this.#copy(block, columnStart + first, to, columnStart + this.countOf(to), moved);
    this.move(block, first, to);
  }

  #copy(from: number, fromWord: number, to: number, toWord: number, words: number): void {
    const start = startOf(from) + fromWord;
    this.#wordsOf(to).set(this.#wordsOf(from).subarray(start, start + words), startOf(to) + toWord);
  }

  /** With how many bytes the keys of a block begin alike: as many as its first and its last. */
  #alikeIn(block: number): number {
    return this.#records.alike(this.slotAt(block, 0), this.slotAt(block, this.countOf(block) - 1));
  }

  /** Makes the digests of a block anew. */
  #digest(block: number): void {
    const words = this.#wordsOf(block);
    const start = startOf(block);
    const count = words[start] as number;
    const alike = this.#alikeIn(block);
    words[start + alikeAt] = alike;
    for (let at = 0; at < count; at++)
      words[start + digestsStart + at] = this.#records.digestOf(
        words[start + slotsStart + at] as number,
        alike,
      );
  }

  #wordsOf(block: number): Int32Array {
    return (this.#slabs[block >>> slabShift] as Slab).words;
  }
}

function startOf(block: number): number {
  return (block & slabMask) * 2;
}

/** Moves so many words by some places. */
function shift(words: Int32Array, start: number, count: number, by: number): void {
  words.copyWithin(start + by, start, start + count);
}
