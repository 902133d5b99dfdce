import { type Arena, type Slab, slabMask, slabShift, unitBytes } from "../../base/arena.ts";

/** Where in a record what lies: Float64s from its first unit on, Int32s after them, then the key's bytes. */
const field = { main: 0, create: 1, version: 2, sub: 6, older: 7, lengthAndMarks: 8 } as const;
const keyStartBytes = 36;
const lengthMask = 2 ** 29 - 1;

/** Things to know of a key beside its points. */
export const marks = {
  /** It hangs on a lease. */
  leased: 1 << 29,
  /** It is in the list of keys of which a compaction might drop something. */
  compactable: 1 << 30,
} as const;
export type Mark = (typeof marks)[keyof typeof marks];

/** The records of the key index: one block of an arena per key, which holds the key itself, too. A slot is a record's address. */
export class KeyRecords {
  readonly arena: Arena;
  readonly #slabs: Slab[];
  /** How many bytes the last comparison found equal. */
  common = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    this.#slabs = arena.slabs;
  }

  /** A record of the key without points. */
  add(key: Uint8Array): number {
    const slot = this.arena.allocate(unitsFor(key.length));
    const { bytes, numbers, words } = this.#slabs[slot >>> slabShift] as Slab;
    const unit = slot & slabMask;
    numbers[unit + field.main] = 0;
    numbers[unit + field.create] = 0;
    numbers[unit + field.version] = 0;
    words[unit * 2 + field.sub] = 0;
    words[unit * 2 + field.older] = 0;
    words[unit * 2 + field.lengthAndMarks] = key.length;
    const start = unit * unitBytes + keyStartBytes;
    if (key.length > 128) bytes.set(key, start);
    else for (let at = 0; at < key.length; at++) bytes[start + at] = key[at] as number;
    return slot;
  }

  remove(slot: number): void {
    this.arena.free(slot, unitsFor(this.keyLengthOf(slot)));
  }

  mainOf(slot: number): number {
    return (this.#slabs[slot >>> slabShift] as Slab).numbers[(slot & slabMask) + field.main] as number;
  }
  subOf(slot: number): number {
    return (this.#slabs[slot >>> slabShift] as Slab).words[(slot & slabMask) * 2 + field.sub] as number;
  }
  createOf(slot: number): number {
    return (this.#slabs[slot >>> slabShift] as Slab).numbers[(slot & slabMask) + field.create] as number;
  }
  versionOf(slot: number): number {
    return (this.#slabs[slot >>> slabShift] as Slab).numbers[(slot & slabMask) + field.version] as number;
  }
  olderOf(slot: number): number {
    return (this.#slabs[slot >>> slabShift] as Slab).words[(slot & slabMask) * 2 + field.older] as number;
  }
  setOlder(slot: number, older: number): void {
    (this.#slabs[slot >>> slabShift] as Slab).words[(slot & slabMask) * 2 + field.older] = older;
  }

  /** Sets the newest point. */
  setNewest(slot: number, main: number, sub: number): void {
    const { numbers, words } = this.#slabs[slot >>> slabShift] as Slab;
    const unit = slot & slabMask;
    numbers[unit + field.main] = main;
    words[unit * 2 + field.sub] = sub;
  }

  setVersion(slot: number, version: number): void {
    (this.#slabs[slot >>> slabShift] as Slab).numbers[(slot & slabMask) + field.version] = version;
  }

  /** Sets the living generation: the revision that it began with, and its puts since. */
  setGeneration(slot: number, create: number, version: number): void {
    const { numbers } = this.#slabs[slot >>> slabShift] as Slab;
    const unit = slot & slabMask;
    numbers[unit + field.create] = create;
    numbers[unit + field.version] = version;
  }

  isMarked(slot: number, mark: Mark): boolean {
    return (this.#lengthAndMarks(slot) & mark) !== 0;
  }

  mark(slot: number, mark: Mark, isSet: boolean): void {
    const before = this.#lengthAndMarks(slot);
    (this.#slabs[slot >>> slabShift] as Slab).words[(slot & slabMask) * 2 + field.lengthAndMarks] = isSet
      ? before | mark
      : before & ~mark;
  }

  keyLengthOf(slot: number): number {
    return this.#lengthAndMarks(slot) & lengthMask;
  }

  /** A view of the key's bytes, as long as the key is in the index. */
  keyOf(slot: number): Uint8Array {
    const { bytes } = this.#slabs[slot >>> slabShift] as Slab;
    const start = (slot & slabMask) * unitBytes + keyStartBytes;
    return bytes.subarray(start, start + this.keyLengthOf(slot));
  }

  isKey(slot: number, key: Uint8Array): boolean {
    const { bytes, words } = this.#slabs[slot >>> slabShift] as Slab;
    const { length } = key;
    if (((words[(slot & slabMask) * 2 + field.lengthAndMarks] as number) & lengthMask) !== length)
      return false;
    const start = (slot & slabMask) * unitBytes + keyStartBytes;
    for (let at = 0; at < length; at++) if (bytes[start + at] !== key[at]) return false;
    return true;
  }

  /** Negative, zero or positive as the record's key is before, equal to or after `key`, of which the first `known` bytes are
   *  known to be equal. `common` is then how many are. */
  compare(slot: number, key: Uint8Array, known: number): number {
    const { bytes, words } = this.#slabs[slot >>> slabShift] as Slab;
    const ownLength = (words[(slot & slabMask) * 2 + field.lengthAndMarks] as number) & lengthMask;
    const start = (slot & slabMask) * unitBytes + keyStartBytes;
    const length = ownLength < key.length ? ownLength : key.length;
    let at = known;
    while (at < length && bytes[start + at] === key[at]) at++;
    this.common = at;
    return at < length ? (bytes[start + at] as number) - (key[at] as number) : ownLength - key.length;
  }

  /** With how many bytes the keys of two records begin alike. */
  alike(slot: number, other: number): number {
    const { bytes } = this.#slabs[slot >>> slabShift] as Slab;
    const { bytes: otherBytes } = this.#slabs[other >>> slabShift] as Slab;
    const start = (slot & slabMask) * unitBytes + keyStartBytes;
    const otherStart = (other & slabMask) * unitBytes + keyStartBytes;
    const length = Math.min(this.keyLengthOf(slot), this.keyLengthOf(other));
    let at = 0;
    while (at < length && bytes[start + at] === otherBytes[otherStart + at]) at++;
    return at;
  }

  /** The `digestOf` of the record's key. */
  digestOf(slot: number, from: number): number {
    const { bytes } = this.#slabs[slot >>> slabShift] as Slab;
    const start = (slot & slabMask) * unitBytes + keyStartBytes;
    return digestOf(bytes, start + from, start + this.keyLengthOf(slot));
  }

  #lengthAndMarks(slot: number): number {
    return (this.#slabs[slot >>> slabShift] as Slab).words[
      (slot & slabMask) * 2 + field.lengthAndMarks
    ] as number;
  }
}

function unitsFor(keyBytes: number): number {
  return (keyStartBytes + keyBytes + unitBytes - 1) >>> 3;
}

/** The four bytes at `from` (zeros behind `end`) as a number that sorts, signed, as they do. */
export function digestOf(bytes: Uint8Array, from: number, end: number): number {
  if (from + 4 <= end)
    return (
      ((bytes[from] as number) << 24) ^
      -0x8000_0000 ^
      (((bytes[from + 1] as number) << 16) | ((bytes[from + 2] as number) << 8) | (bytes[from + 3] as number))
    );
  let digest = 0;
  for (let at = from; at < from + 4; at++) digest = (digest << 8) | (at < end ? (bytes[at] as number) : 0);
  return digest ^ -0x8000_0000;
}
