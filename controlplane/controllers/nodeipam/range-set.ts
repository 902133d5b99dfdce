import { familyBits, type IpRange, ipRangeSize, rangesOverlap } from "../../../base/ip-range.ts";

/** Is told what becomes of blocks, for metrics. */
export interface RangeObserver {
  /** A block is in use that was not. */
  taken(): void;
  freed(): void;
  /** So many blocks in use were passed by to find one to give out. */
  skipped(blocks: number): void;
}

/** The blocks of one size that a range is cut into, and which are taken: giving one out costs what it skips since the last,
 *  however many there are. Pure memory.
 *  Invariant: a block that is given out overlaps nothing that is held. */
export class RangeSet {
  readonly whole: IpRange;
  readonly maskSize: number;
  readonly count: number;
  /** How many hold each block; one that several hold is free once all have let go of it. */
  readonly #holders: Uint16Array;
  readonly #observer: RangeObserver | undefined;
  #used = 0;
  #next = 0;

  constructor(whole: IpRange, maskSize: number, observer?: RangeObserver) {
    this.whole = whole;
    this.maskSize = maskSize;
    this.#observer = observer;
    this.count = 2 ** (maskSize - whole.prefixBits);
    this.#holders = new Uint16Array(this.count);
  }

  /** Blocks that somebody holds. */
  get used(): number {
    return this.#used;
  }

  /** The next free block after the last that was given out, so that one let go is not given to another at once. Undefined
   *  when all are taken. */
  allocate(): IpRange | undefined {
    if (this.#used === this.count) return undefined;
    let skipped = 0;
    while (this.#holders[(this.#next + skipped) % this.count] !== 0) skipped++;
    const index = (this.#next + skipped) % this.count;
    this.#hold(index, 1);
    this.#observer?.skipped(skipped);
    this.#next = (index + 1) % this.count;
    const rest = BigInt(familyBits[this.whole.family] - this.maskSize);
    const first = this.whole.first + (BigInt(index) << rest);
    return { family: this.whole.family, first, prefixBits: this.maskSize };
  }

  /** Holds every block that the range touches; false where it is outside. */
  occupy(range: IpRange): boolean {
    return this.#each(range, 1);
  }

  /** Lets go of what `occupy` or `allocate` held. */
  release(range: IpRange): void {
    this.#each(range, -1);
  }

  #each(range: IpRange, change: 1 | -1): boolean {
    if (!rangesOverlap(this.whole, range)) return false;
    const rest = BigInt(familyBits[this.whole.family] - this.maskSize);
    const from = range.first > this.whole.first ? (range.first - this.whole.first) >> rest : 0n;
    const end = (range.first + ipRangeSize(range) - 1n - this.whole.first) >> rest;
    const last = Math.min(this.count - 1, Number(end));
    for (let index = Number(from); index <= last; index++) this.#hold(index, change);
    return true;
  }

  #hold(index: number, change: 1 | -1): void {
    const before = this.#holders[index] ?? 0;
    const after = Math.max(0, before + change);
    this.#holders[index] = after;
    if (before === 0 && after > 0) {
      this.#used++;
      this.#observer?.taken();
    } else if (before > 0 && after === 0) {
      this.#used--;
      this.#observer?.freed();
    }
  }
}
