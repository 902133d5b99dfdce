import { Slabs } from "../../base/slabs.ts";

export interface CacheLimits {
  readonly bytesMax: number;
  /** A power of two. */
  readonly valuesMax: number;
}

export const cacheLimits: CacheLimits = { bytesMax: 16 * 1024 * 1024, valuesMax: 2 ** 16 };

/** Larger values are not kept: few would push out many. */
const largestShare = 1 / 16;
/** Values that may stay longer for each that comes, however many were asked for meanwhile. */
const chancesMax = 8;

/** Values that were read lately, by revision. The oldest goes first, unless it was asked for since it came: then it counts as
 *  new, once. What is handed out is the cache's own copy: values that came at one time leave memory together, so that a few
 *  that stay do not keep pieces of memory that many others shared. */
export class ValueCache {
  readonly #limits: CacheLimits;
  readonly #slabs = new Slabs();
  /** A ring: the values from `#oldest` to `#next`, each at its number modulo `valuesMax`. */
  readonly #values: (Uint8Array | undefined)[] = [];
  readonly #mains: Float64Array;
  readonly #subs: Int32Array;
  readonly #wasAsked: Uint8Array;
  #oldest = 0;
  #next = 0;
  #sizeBytes = 0;
  /** Where in the ring a revision's value is, plus one: open addressing by the revision. */
  readonly #table: Int32Array;

  constructor(limits: CacheLimits) {
    const { valuesMax } = limits;
    this.#limits = limits;
    this.#mains = new Float64Array(valuesMax);
    this.#subs = new Int32Array(valuesMax);
    this.#wasAsked = new Uint8Array(valuesMax);
    this.#table = new Int32Array(valuesMax * 2);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(main: number, sub: number): Uint8Array | undefined {
    const at = (this.#table[this.#placeOf(main, sub)] as number) - 1;
    if (at < 0) return undefined;
    this.#wasAsked[at] = 1;
    return this.#values[at];
  }

  /** Keeps a copy of a value that it does not have, and answers what to hand out. */
  add(main: number, sub: number, value: Uint8Array): Uint8Array {
    const { bytesMax, valuesMax } = this.#limits;
    if (value.length > bytesMax * largestShare) return value;
    for (let chances = chancesMax; this.#isFull(value.length, bytesMax, valuesMax); )
      if (this.#dropOldest(chances > 0)) chances--;
    return this.#push(main, sub, value);
  }

  #isFull(moreBytes: number, bytesMax: number, valuesMax: number): boolean {
    return this.#sizeBytes + moreBytes > bytesMax || this.#next - this.#oldest === valuesMax;
  }

  #push(main: number, sub: number, value: Uint8Array): Uint8Array {
    const at = this.#next++ & (this.#limits.valuesMax - 1);
    const own = this.#slabs.take(value.length);
    own.set(value);
    this.#values[at] = own;
    this.#mains[at] = main;
    this.#subs[at] = sub;
    this.#wasAsked[at] = 0;
    this.#sizeBytes += own.length;
    this.#table[this.#placeOf(main, sub)] = at + 1;
    return own;
  }

  /** Drops the oldest, or lets it begin anew where it was asked for and may; whether it does. */
  #dropOldest(mayStay: boolean): boolean {
    const at = this.#oldest++ & (this.#limits.valuesMax - 1);
    const value = this.#values[at] as Uint8Array;
    const main = this.#mains[at] as number;
    const sub = this.#subs[at] as number;
    this.#values[at] = undefined;
    this.#sizeBytes -= value.length;
    this.#erase(this.#placeOf(main, sub));
    if (!mayStay || this.#wasAsked[at] === 0) return false;
    this.#push(main, sub, value);
    return true;
  }

  /** The place in the table of a revision's value, or the empty one where it would be. */
  #placeOf(main: number, sub: number): number {
    const mask = this.#table.length - 1;
    for (let place = hashOf(main, sub) & mask; ; place = (place + 1) & mask) {
      const at = (this.#table[place] as number) - 1;
      if (at < 0 || (this.#mains[at] === main && this.#subs[at] === sub)) return place;
    }
  }

  /** Empties a place; those behind it that were pushed on by it move up. */
  #erase(emptied: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = emptied;
    for (let place = (hole + 1) & mask; table[place] !== 0; place = (place + 1) & mask) {
      const at = (table[place] as number) - 1;
      const home = hashOf(this.#mains[at] as number, this.#subs[at] as number) & mask;
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      table[hole] = table[place] as number;
      hole = place;
    }
    table[hole] = 0;
  }
}

function hashOf(main: number, sub: number): number {
  const hash = Math.imul((main % 2 ** 32) ^ Math.imul(sub, 0x85ebca6b), 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
