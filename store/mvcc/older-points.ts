import { type Arena, type Slab, slabMask, slabShift } from "../../base/arena.ts";

/** A point of a key in time that is not its newest. */
export interface Point {
  readonly main: number;
  readonly sub: number;
  readonly deletion: boolean;
}

/** Takes a point that a compaction drops. */
export type Drop = (main: number, sub: number, deletion: boolean) => void;

/** A chunk holds the address of the chunk with the points before its own, how many points it holds and has room for, and
 *  the points, oldest first: a Float64 (main) and two Int32s (sub, whether it is a deletion). */
const pointUnits = 2;
const room = { first: 1, most: 1_024 } as const;

/** The older points of all keys, in chunks of one arena: a key's chunks form a chain that begins with the newest, and each
 *  has twice the room of the one before it. A chain is the address of its first chunk; 0 is an empty one. */
export class OlderPoints {
  readonly #arena: Arena;
  readonly #slabs: Slab[];

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#slabs = arena.slabs;
  }

  /** Adds the newest point of the chain; answers the chain that it is then. */
  push(chain: number, main: number, sub: number, deletion: boolean): number {
    let chunk = chain;
    if (chunk === 0 || this.#countOf(chunk) === this.#roomOf(chunk)) {
      const points = chunk === 0 ? room.first : Math.min(this.#roomOf(chunk) * 2, room.most);
      chunk = this.#arena.allocate(unitsFor(points));
      const { words } = this.#slabs[chunk >>> slabShift] as Slab;
      const head = (chunk & slabMask) * 2;
      words[head] = chain;
      words[head + 1] = points << 16;
    }
    const { words, numbers } = this.#slabs[chunk >>> slabShift] as Slab;
    const unit = chunk & slabMask;
    const point = unit + 1 + pointUnits * this.#countOf(chunk);
    numbers[point] = main;
    words[point * 2 + 2] = sub;
    words[point * 2 + 3] = deletion ? 1 : 0;
    (words[unit * 2 + 1] as number)++;
    return chunk;
  }

  /** The newest point at or before `revision`: its address, or 0 where there is none. */
  find(chain: number, revision: number): number {
    for (let chunk = chain; chunk !== 0; chunk = this.#beforeOf(chunk)) {
      if (this.mainOf(chunk + 1) > revision) continue;
      return chunk + 1 + pointUnits * (this.#countUpTo(chunk, revision) - 1);
    }
    return 0;
  }

  /** The points of a chain as it is now, oldest first, by their addresses. Those that come later are not among them; no
   *  compaction may run meanwhile. */
  pointsOf(chain: number): { readonly count: number; readonly points: Iterable<number> } {
    const chunks: number[] = [];
    const counts: number[] = [];
    let count = 0;
    for (let chunk = chain; chunk !== 0; chunk = this.#beforeOf(chunk)) {
      chunks.push(chunk);
      counts.push(this.#countOf(chunk));
      count += this.#countOf(chunk);
    }
    return { count, points: addresses(chunks, counts) };
  }

  mainOf(point: number): number {
    return (this.#slabs[point >>> slabShift] as Slab).numbers[point & slabMask] as number;
  }
  subOf(point: number): number {
    return (this.#slabs[point >>> slabShift] as Slab).words[(point & slabMask) * 2 + 2] as number;
  }
  isDeletion(point: number): boolean {
    return (this.#slabs[point >>> slabShift] as Slab).words[(point & slabMask) * 2 + 3] === 1;
  }

  /** Parts the chain behind the points that are kept: those after `revision`, and the newest at or before it, but not a
   *  deletion before it. Answers both chains. */
  part(chain: number, revision: number): { readonly kept: number; readonly dropped: number } {
    let behind = 0; // the chunk whose points follow those of `chunk`
    let chunk = chain;
    while (chunk !== 0 && this.mainOf(chunk + 1) > revision) {
      behind = chunk;
      chunk = this.#beforeOf(chunk);
    }
    if (chunk === 0) return { kept: chain, dropped: 0 };
    const point = this.find(chunk, revision);
    const goes = this.isDeletion(point) && this.mainOf(point) < revision;
    const droppedHere = this.#countUpTo(chunk, revision) - (goes ? 0 : 1);
    if (droppedHere === this.#countOf(chunk)) {
      if (behind !== 0) this.#setBefore(behind, 0);
      return { kept: behind === 0 ? 0 : chain, dropped: chunk };
    }
    const dropped = this.#moveOut(chunk, droppedHere);
    return { kept: chain, dropped };
  }

  /** Frees the first chunk of a chain, having handed its points to `drop`; answers the rest. */
  dropChunk(chain: number, drop: Drop): number {
    const count = this.#countOf(chain);
    for (let at = 0; at < count; at++) {
      const point = chain + 1 + pointUnits * at;
      drop(this.mainOf(point), this.subOf(point), this.isDeletion(point));
    }
    const rest = this.#beforeOf(chain);
    this.#arena.free(chain, unitsFor(this.#roomOf(chain)));
    return rest;
  }

  /** Moves a chunk's oldest points to a chunk of their own, which the chunks before it then hang on. Answers that chain. */
  #moveOut(chunk: number, count: number): number {
    const before = this.#beforeOf(chunk);
    if (count === 0) {
      this.#setBefore(chunk, 0);
      return before;
    }
    let moved = this.#arena.allocate(unitsFor(count));
    const head = (moved & slabMask) * 2;
    const { words } = this.#slabs[moved >>> slabShift] as Slab;
    words[head] = before;
    words[head + 1] = count << 16;
    for (let at = 0; at < count; at++) {
      const point = chunk + 1 + pointUnits * at;
      moved = this.push(moved, this.mainOf(point), this.subOf(point), this.isDeletion(point));
    }
    const slab = this.#slabs[chunk >>> slabShift] as Slab;
    const unit = chunk & slabMask;
    const left = this.#countOf(chunk) - count;
    const first = unit + 1;
    slab.numbers.copyWithin(first, first + pointUnits * count, first + pointUnits * (count + left));
    slab.words[unit * 2 + 1] = (this.#roomOf(chunk) << 16) | left;
    this.#setBefore(chunk, 0);
    return moved;
  }

  /** How many of a chunk's points are at or before `revision`. */
  #countUpTo(chunk: number, revision: number): number {
    let low = 0;
    let high = this.#countOf(chunk);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.mainOf(chunk + 1 + pointUnits * middle) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #beforeOf(chunk: number): number {
    return (this.#slabs[chunk >>> slabShift] as Slab).words[(chunk & slabMask) * 2] as number;
  }
  #setBefore(chunk: number, before: number): void {
    (this.#slabs[chunk >>> slabShift] as Slab).words[(chunk & slabMask) * 2] = before;
  }
  #countOf(chunk: number): number {
    return ((this.#slabs[chunk >>> slabShift] as Slab).words[(chunk & slabMask) * 2 + 1] as number) & 0xffff;
  }
  #roomOf(chunk: number): number {
    return ((this.#slabs[chunk >>> slabShift] as Slab).words[(chunk & slabMask) * 2 + 1] as number) >>> 16;
  }
}

function unitsFor(points: number): number {
  return 1 + pointUnits * points;
}

function* addresses(chunks: readonly number[], counts: readonly number[]): Generator<number, void, void> {
  for (let chunk = chunks.length - 1; chunk >= 0; chunk--)
    for (let at = 0; at < (counts[chunk] as number); at++)
      yield (chunks[chunk] as number) + 1 + pointUnits * at;
}
