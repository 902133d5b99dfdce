import type { KeyRecords } from "./key-records.ts";
import { blockUnits, SlotBlocks, slotsMax } from "./slot-blocks.ts";

/** Slots in byte order of their keys. A leaf is a block of slots; a branch is a block with the first slot of each of its
 *  leaves, and the leaf in the column; branches stand in one sorted list.
 *  Invariant: no leaf and no branch is empty. */
export class KeyOrder {
  readonly #records: KeyRecords;
  readonly #blocks: SlotBlocks;
  /** The branches, in order, and the first slot of each. */
  #branches = new Int32Array(64);
  #firsts = new Int32Array(64);
  #branchCount = 0;
  /** Where the last search ended: which branch, which leaf of it, which slot of that. */
  #branchAt = 0;
  #leafAt = 0;
  #slotAt = 0;

  constructor(records: KeyRecords) {
    this.#records = records;
    this.#blocks = new SlotBlocks(records);
  }

  /** 0 where there is none. */
  find(key: Uint8Array): number {
    if (!this.#search(key)) return 0;
    const leaf = this.#leaf;
    if (this.#slotAt === this.#blocks.countOf(leaf)) return 0;
    const slot = this.#blocks.slotAt(leaf, this.#slotAt);
    return this.#records.isKey(slot, key) ? slot : 0;
  }

  /** Whether the key is behind all that are in it. Of the last of them it begins with so many bytes. */
  isBehindAll(key: Uint8Array, known = 0): boolean {
    return this.#branchCount === 0 || this.#goBehindAll(key, known);
  }

  /** Adds the key of which `isBehindAll` said so just now. */
  addBehindAll(slot: number): void {
    if (this.#branchCount === 0) this.#begin(slot);
    if (this.#slotAt > 0 && this.#slotAt < slotsMax)
      this.#blocks.append(this.#leaf, slot, this.#records.common);
    else this.#insert(slot);
  }

  /** The key is not in it yet. */
  add(slot: number, key: Uint8Array): void {
    if (this.isBehindAll(key)) this.addBehindAll(slot);
    else {
      this.#search(key);
      this.#insert(slot);
    }
  }

  /** Inserts a slot where the last search ended. */
  #insert(slot: number): void {
    if (this.#blocks.countOf(this.#leaf) === slotsMax) this.#splitLeaf(slot);
    this.#blocks.insert(this.#leaf, this.#slotAt, slot);
    if (this.#slotAt === 0) this.#setFirst(slot);
  }

  /** The key is in it. */
  remove(key: Uint8Array): void {
    this.#search(key);
    const blocks = this.#blocks;
    const leaf = this.#leaf;
    blocks.remove(leaf, this.#slotAt);
    const count = blocks.countOf(leaf);
    if (count === 0) this.#removeLeaf(this.#leafAt);
    else {
      if (this.#slotAt === 0) this.#setFirst(blocks.slotAt(leaf, 0));
      if (count < slotsMax / 4) this.#mergeWithNext();
    }
  }

  /** Visits the slots of the keys in [from, to) in order (`to` undefined: to the end) until `visit` answers false. Nothing may
   *  be added or removed meanwhile. */
  visit(from: Uint8Array, to: Uint8Array | undefined, visit: (slot: number) => boolean): void {
    if (!this.#search(from)) return;
    const blocks = this.#blocks;
    let leafAt = this.#leafAt;
    let at = this.#slotAt;
    for (let branchAt = this.#branchAt; branchAt < this.#branchCount; branchAt++, leafAt = 0) {
      const branch = this.#branches[branchAt] as number;
      for (; leafAt < blocks.countOf(branch); leafAt++, at = 0) {
        const leaf = blocks.columnAt(branch, leafAt);
        const count = blocks.countOf(leaf);
        const isLast = to !== undefined && this.#records.compare(blocks.slotAt(leaf, count - 1), to, 0) >= 0;
        const end = isLast ? blocks.rank(leaf, to, false) : count;
        for (; at < end; at++) if (!visit(blocks.slotAt(leaf, at))) return;
        if (isLast) return;
      }
    }
  }

  /** Finds the leaf that the key belongs to and its first slot at or behind the key. False where there are no leaves. */
  #search(key: Uint8Array): boolean {
    if (this.#branchCount === 0) return false;
    const blocks = this.#blocks;
    this.#branchAt = this.#branchOf(key);
    this.#leafAt = Math.max(0, blocks.rank(this.#branch, key, true) - 1);
    this.#slotAt = blocks.rank(this.#leaf, key, false);
    return true;
  }

  /** The last branch that begins at or before the key, or the first. */
  #branchOf(key: Uint8Array): number {
    const records = this.#records;
    let low = 0;
    let high = this.#branchCount;
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
    return low;
  }

  /** Goes behind the last slot, if the key belongs there. */
  #goBehindAll(key: Uint8Array, known: number): boolean {
    const blocks = this.#blocks;
    const branchAt = this.#branchCount - 1;
    const branch = this.#branches[branchAt] as number;
    const leafAt = blocks.countOf(branch) - 1;
    const leaf = blocks.columnAt(branch, leafAt);
    const count = blocks.countOf(leaf);
    if (this.#records.compare(blocks.slotAt(leaf, count - 1), key, known) >= 0) return false;
    this.#branchAt = branchAt;
    this.#leafAt = leafAt;
    this.#slotAt = count;
    return true;
  }

  /** Makes the first leaf, for this slot. */
  #begin(slot: number): void {
    this.#branchAt = 0;
    this.#leafAt = 0;
    this.#slotAt = 0;
    this.#insertBranch(0, this.#blocks.allocate(blockUnits.withColumn), slot);
    this.#blocks.insertWith(this.#branch, 0, slot, this.#blocks.allocate(blockUnits.plain));
  }

  /** Makes room in the leaf of the last search for a slot. Keys added in order leave full leaves behind them. */
  #splitLeaf(slot: number): void {
    const blocks = this.#blocks;
    const isBehindAll = this.#slotAt === slotsMax && this.#isLastLeaf();
    if (blocks.countOf(this.#branch) === slotsMax) this.#splitBranch(isBehindAll, slot);
    const kept = isBehindAll ? slotsMax : slotsMax >>> 1;
    const added = blocks.allocate(blockUnits.plain);
    blocks.move(this.#leaf, kept, added);
    if (isBehindAll && blocks.countOf(this.#branch) === slotsMax) {
      this.#branchAt++;
      this.#leafAt = -1;
    }
    blocks.insertWith(this.#branch, this.#leafAt + 1, isBehindAll ? slot : blocks.slotAt(added, 0), added);
    if (this.#slotAt < kept || (this.#slotAt === kept && !isBehindAll)) return;
    this.#leafAt++;
    this.#slotAt -= kept;
  }

  /** Makes room in the branch of the last search, or a branch behind it for a slot that is behind all. */
  #splitBranch(isBehindAll: boolean, slot: number): void {
    const blocks = this.#blocks;
    const kept = isBehindAll ? slotsMax : slotsMax >>> 1;
    const added = blocks.allocate(blockUnits.withColumn);
    blocks.moveWith(this.#branch, kept, added);
    this.#insertBranch(this.#branchAt + 1, added, isBehindAll ? slot : blocks.slotAt(added, 0));
    if (this.#leafAt < kept) return;
    this.#branchAt++;
    this.#leafAt -= kept;
  }

  /** Notes which slot the leaf of the last search begins with. */
  #setFirst(slot: number): void {
    if (this.#blocks.slotAt(this.#branch, this.#leafAt) !== slot)
      this.#blocks.replace(this.#branch, this.#leafAt, slot);
    if (this.#leafAt === 0) this.#firsts[this.#branchAt] = slot;
  }

  /** Removes a leaf of the branch of the last search. */
  #removeLeaf(leafAt: number): void {
    const blocks = this.#blocks;
    const branch = this.#branch;
    this.#records.arena.free(blocks.columnAt(branch, leafAt), blockUnits.plain);
    blocks.removeWith(branch, leafAt);
    if (blocks.countOf(branch) === 0) this.#removeBranch();
    else if (leafAt === 0) this.#firsts[this.#branchAt] = blocks.slotAt(branch, 0);
  }

  #mergeWithNext(): void {
    const blocks = this.#blocks;
    const next = this.#leafAt + 1;
    if (next === blocks.countOf(this.#branch)) return;
    const nextLeaf = blocks.columnAt(this.#branch, next);
    if (blocks.countOf(this.#leaf) + blocks.countOf(nextLeaf) > slotsMax / 2) return;
    blocks.move(nextLeaf, 0, this.#leaf);
    this.#removeLeaf(next);
  }

  #insertBranch(at: number, branch: number, first: number): void {
    if (this.#branchCount === this.#branches.length) {
      this.#branches = doubled(this.#branches);
      this.#firsts = doubled(this.#firsts);
    }
    this.#branches.copyWithin(at + 1, at, this.#branchCount);
    this.#firsts.copyWithin(at + 1, at, this.#branchCount);
    this.#branches[at] = branch;
    this.#firsts[at] = first;
    this.#branchCount++;
  }

  /** Removes the branch of the last search. */
  #removeBranch(): void {
    const at = this.#branchAt;
    this.#records.arena.free(this.#branch, blockUnits.withColumn);
    this.#branches.copyWithin(at, at + 1, this.#branchCount);
    this.#firsts.copyWithin(at, at + 1, this.#branchCount);
    this.#branchCount--;
  }

  #isLastLeaf(): boolean {
    return (
      this.#branchAt === this.#branchCount - 1 && this.#leafAt === this.#blocks.countOf(this.#branch) - 1
    );
  }

  get #branch(): number {
    return this.#branches[this.#branchAt] as number;
  }
  get #leaf(): number {
    return this.#blocks.columnAt(this.#branch, this.#leafAt);
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const out = new Int32Array(array.length * 2);
  out.set(array);
  return out;
}
