import { Arena, type Slab, slabMask, slabShift } from "../../base/arena.ts";
import type { LeaseRow } from "./lease-rows.ts";

/** Where in a record what lies: Float64s first, then Int32s. */
const numberAt = { ttl: 0, remainingTtl: 1, expiryMs: 2, dueMs: 3, checkpointMs: 4 } as const;
const wordAt = { idHigh: 10, idLow: 11, begun: 12, takenBack: 13, due: 14, checkpoint: 15 } as const;
const units = 8;

type NumberField = keyof typeof numberAt;
type WordField = Exclude<keyof typeof wordAt, "idHigh" | "idLow">;

/** What there is to know of each lease but its keys, in one block of an arena: an object for each, with its boxed numbers, would
 *  take six times as much. A slot is a record's address, never 0. */
export class LeaseRecords {
  readonly #arena = new Arena();
  readonly #slabs = this.#arena.slabs;

  /** A record of a lease that does not run out here: what only the leader knows is empty. */
  add({ id, ttl, remainingTtl }: LeaseRow): number {
    const slot = this.#arena.allocate(units);
    const { words } = this.#slab(slot);
    const at = (slot & slabMask) * 2;
    words[at + wordAt.idHigh] = Number(BigInt.asIntN(32, id >> 32n));
    words[at + wordAt.idLow] = Number(BigInt.asIntN(32, id));
    this.set(slot, "ttl", ttl);
    this.set(slot, "remainingTtl", remainingTtl);
    for (const field of ["expiryMs", "dueMs", "checkpointMs"] as const)
      this.set(slot, field, Number.POSITIVE_INFINITY);
    for (const field of ["begun", "takenBack", "due", "checkpoint"] as const) this.setWord(slot, field, 0);
    return slot;
  }

  remove(slot: number): void {
    this.#arena.free(slot, units);
  }

  idOf(slot: number): bigint {
    const { words } = this.#slab(slot);
    const at = (slot & slabMask) * 2;
    const low = BigInt((words[at + wordAt.idLow] as number) >>> 0);
    return (BigInt(words[at + wordAt.idHigh] as number) << 32n) + low;
  }

  /** Negative, zero or positive as the first's id is lower, the same or higher. */
  compareIds(one: number, other: number): number {
    const a = this.#slab(one).words;
    const b = this.#slab(other).words;
    const atA = (one & slabMask) * 2;
    const atB = (other & slabMask) * 2;
    const high = (a[atA + wordAt.idHigh] as number) - (b[atB + wordAt.idHigh] as number);
    return high || ((a[atA + wordAt.idLow] as number) >>> 0) - ((b[atB + wordAt.idLow] as number) >>> 0);
  }

  get(slot: number, field: NumberField): number {
    return this.#slab(slot).numbers[(slot & slabMask) + numberAt[field]] as number;
  }
  set(slot: number, field: NumberField, value: number): void {
    this.#slab(slot).numbers[(slot & slabMask) + numberAt[field]] = value;
  }

  getWord(slot: number, field: WordField): number {
    return this.#slab(slot).words[(slot & slabMask) * 2 + wordAt[field]] as number;
  }
  setWord(slot: number, field: WordField, value: number): void {
    this.#slab(slot).words[(slot & slabMask) * 2 + wordAt[field]] = value;
  }

  #slab(slot: number): Slab {
    return this.#slabs[slot >>> slabShift] as Slab;
  }
}
