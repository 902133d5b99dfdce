import { compareRevisions } from "./row-format.ts";

/** Where the blocks of a segment begin, and with what. Columns, since a large database has hundreds of thousands of blocks. */
export class BlockTable {
  #offsets = new Float64Array(16);
  #firstRows = new Uint32Array(16);
  #mains = new Float64Array(16);
  #subs = new Uint32Array(16);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** `offset` of its head in the file, `firstRow` counted from the beginning of the segment, and the revision of that row. */
  add(offset: number, firstRow: number, main: number, sub: number): void {
    if (this.#count === this.#offsets.length) this.#grow();
    this.#offsets[this.#count] = offset;
    this.#firstRows[this.#count] = firstRow;
    this.#mains[this.#count] = main;
    this.#subs[this.#count] = sub;
    this.#count++;
  }

  offset(block: number): number {
    return this.#offsets[block] as number;
  }
  firstRow(block: number): number {
    return this.#firstRows[block] as number;
  }
  main(block: number): number {
    return this.#mains[block] as number;
  }
  sub(block: number): number {
    return this.#subs[block] as number;
  }

  /** The block that holds a revision if any does: the last one that begins at or before it; -1 where all begin after it. */
  find(main: number, sub: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle, main, sub) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Negative, zero or positive as the block begins before, at or after a revision. */
  compare(block: number, main: number, sub: number): number {
    return compareRevisions(this.#mains[block] as number, this.#subs[block] as number, main, sub);
  }

  #grow(): void {
    const size = this.#count * 2;
    const larger = <T extends Float64Array | Uint32Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#offsets = larger(new Float64Array(size), this.#offsets);
    this.#firstRows = larger(new Uint32Array(size), this.#firstRows);
    this.#mains = larger(new Float64Array(size), this.#mains);
    this.#subs = larger(new Uint32Array(size), this.#subs);
  }
}
