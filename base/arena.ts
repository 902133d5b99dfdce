import { assert } from "./assert.ts";

/** A piece of memory seen three ways. Hot loops read these directly; who holds an address finds its slab by `slabOf`. */
export interface Slab {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

/** Addresses count units of 8 bytes: `address >>> slabShift` is the slab, `address & slabMask` the unit in it. */
export const unitBytes = 8;
export const slabShift = 17;
export const slabMask = 2 ** slabShift - 1;
const slabUnits = 2 ** slabShift;

/** Blocks up to here have a free list for each size, larger ones for each `coarseUnits`. */
const exactUnitsMax = 4_096;
const coarseUnits = 512;
/** Larger blocks have a slab of their own, which goes with them. */
const sharedUnitsMax = slabUnits / 2;
/** What a free block must have room for: its size, and its neighbours in the free list. */
const blockUnitsMin = 2;
/** Address 0 means none; so nothing lies in a slab's first unit. */
const firstUnit = 1;
const slabsMax = 2 ** (31 - slabShift);
const spareSlabsMax = 4;

/** Memory for many records in few typed arrays: the collector has nothing to mark in it. Blocks keep their addresses until
 *  they are freed; the space of freed ones serves others of the same size, and a slab that is empty serves any.
 *  A new block's contents are anything. */
export class Arena {
  readonly slabs: Slab[] = [];
  /** Units in use, by slab. */
  readonly #used: number[] = [];
  /** First free block of each size class. */
  readonly #free = new Int32Array(exactUnitsMax + 1 + (sharedUnitsMax - exactUnitsMax) / coarseUnits);
  readonly #emptySlabs: number[] = [];
  /** Numbers of slabs that were given back. */
  readonly #vacant: number[] = [];
  /** The slab that new blocks are cut from, and its first unit that never was one. */
  #current = -1;
  #next = slabUnits;

  /** Bytes of all slabs. */
  get sizeBytes(): number {
    return this.slabs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  slabOf(address: number): Slab {
    return this.slabs[address >>> slabShift] as Slab;
  }

  /** The address of a block of at least so many units. */
  allocate(units: number): number {
    const size = sizeOf(units);
    if (size > sharedUnitsMax) return this.#allocateOwnSlab(size);
    const free = this.#free[classOf(size)] as number;
    if (free !== 0) this.#unlink(free, size);
    const address = free === 0 ? this.#cut(size) : free;
    (this.#used[address >>> slabShift] as number) += size;
    return address;
  }

  /** `units` is what the block was allocated with. */
  free(address: number, units: number): void {
    const size = sizeOf(units);
    const number = address >>> slabShift;
    const used = (this.#used[number] as number) - size;
    this.#used[number] = used;
    if (size > sharedUnitsMax) {
      this.#giveBack(number);
      return;
    }
    this.#link(address, size);
    if (used === 0) this.#emptied(number);
  }

  #allocateOwnSlab(size: number): number {
    const number = this.#addSlab(size + firstUnit);
    this.#used[number] = size;
    return number * slabUnits + firstUnit;
  }

  /** Cuts a block from the current slab, or from another once the current has no room for it. */
  #cut(size: number): number {
    if (this.#next + size > slabUnits) {
      this.#linkRest();
      this.#current = this.#emptySlabs.pop() ?? this.#addSlab(slabUnits);
      this.#next = firstUnit;
    }
    const address = this.#current * slabUnits + this.#next;
    this.#next += size;
    return address;
  }

  /** What is left of the current slab becomes free blocks. */
  #linkRest(): void {
    while (slabUnits - this.#next >= blockUnitsMin) {
      const size = Math.min(slabUnits - this.#next, exactUnitsMax);
      this.#link(this.#current * slabUnits + this.#next, size);
      this.#next += size;
    }
  }

  #addSlab(units: number): number {
    const buffer = new ArrayBuffer(units * unitBytes);
    const number = this.#vacant.pop() ?? this.slabs.length;
    assert(number < slabsMax, "arena: 16 GiB are in use");
    this.slabs[number] = {
      bytes: new Uint8Array(buffer),
      words: new Int32Array(buffer),
      numbers: new Float64Array(buffer),
    };
    this.#used[number] = 0;
    return number;
  }

  #giveBack(number: number): void {
    this.slabs[number] = noSlab;
    this.#vacant.push(number);
  }

  /** All of a slab's blocks are free: it may be cut anew. */
  #emptied(number: number): void {
    const { words } = this.slabs[number] as Slab;
    const base = number * slabUnits;
    const end = number === this.#current ? this.#next : slabUnits;
    for (let unit = firstUnit; unit + blockUnitsMin <= end; ) {
      const size = words[unit * 2] as number;
      this.#unlink(base + unit, size);
      unit += size;
    }
    if (number === this.#current) this.#next = firstUnit;
    else if (this.#emptySlabs.length < spareSlabsMax) this.#emptySlabs.push(number);
    else this.#giveBack(number);
  }

  #link(address: number, size: number): void {
    const of = classOf(size);
    const next = this.#free[of] as number;
    const { words } = this.slabOf(address);
    const at = (address & slabMask) * 2;
    words[at] = size;
    words[at + 1] = next;
    words[at + 2] = 0;
    if (next !== 0) this.slabOf(next).words[(next & slabMask) * 2 + 2] = address;
    this.#free[of] = address;
  }

  #unlink(address: number, size: number): void {
    const { words } = this.slabOf(address);
    const at = (address & slabMask) * 2;
    const next = words[at + 1] as number;
    const previous = words[at + 2] as number;
    if (next !== 0) this.slabOf(next).words[(next & slabMask) * 2 + 2] = previous;
    if (previous === 0) this.#free[classOf(size)] = next;
    else this.slabOf(previous).words[(previous & slabMask) * 2 + 1] = next;
  }
}

const noSlab: Slab = { bytes: new Uint8Array(0), words: new Int32Array(0), numbers: new Float64Array(0) };

/** The units that a block of so many really takes. */
function sizeOf(units: number): number {
  if (units > sharedUnitsMax) return units;
  if (units > exactUnitsMax) return Math.ceil(units / coarseUnits) * coarseUnits;
  return Math.max(units, blockUnitsMin);
}

function classOf(size: number): number {
  return size <= exactUnitsMax ? size : exactUnitsMax + (size - exactUnitsMax) / coarseUnits;
}
