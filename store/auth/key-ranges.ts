import { latin1 } from "../../base/wire.ts";

/** [from, to), as strings of code units 0–255, which sort as bytes do. */
export interface KeyRange {
  readonly from: string;
  /** Undefined: to the end. */
  readonly to: string | undefined;
}

/** What a key and a range end mean in every request and permission: one key without an end, all from the key on with the end
 *  `\0`, else [key, end). An end before the key is kept as it is: `KeyRanges` knows what to make of it. */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const from = latin1(key);
  if (rangeEnd.length === 0) return oneKey(from);
  return { from, to: isOpenEnd(rangeEnd) ? undefined : latin1(rangeEnd) };
}

export const oneKey = (key: string): KeyRange => ({ from: key, to: `${key}\0` });

/** Whether a role may be given the range: one key, or from a key to a later one or to the end. */
export function isPermissionRange(key: Uint8Array, rangeEnd: Uint8Array): boolean {
  if (key.length === 0) return false;
  return rangeEnd.length === 0 || isOpenEnd(rangeEnd) || Buffer.compare(key, rangeEnd) < 0;
}

const isOpenEnd = (rangeEnd: Uint8Array): boolean => rangeEnd.length === 1 && rangeEnd[0] === 0;

/** A set of keys given by ranges, whose neighbours are joined: what several permissions cover together is covered.
 *  Invariant: sorted, and between two ranges there is a gap. */
export class KeyRanges {
  readonly #ranges: readonly KeyRange[];

  constructor(ranges: readonly KeyRange[]) {
    this.#ranges = joined(ranges);
  }

  /** Whether all keys of the range are in it. A range that ends before its begin holds no key; it counts as covered where
   *  the key that it names is. */
  covers({ from, to }: KeyRange): boolean {
    const range = this.#lastFrom(from);
    if (range === undefined) return false;
    if (range.to === undefined) return true;
    return from < range.to && to !== undefined && to <= range.to;
  }

  /** The last range that begins at the key or before. */
  #lastFrom(key: string): KeyRange | undefined {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as KeyRange).from <= key) low = middle + 1;
      else high = middle;
    }
    return this.#ranges[low - 1];
  }
}

function joined(ranges: readonly KeyRange[]): KeyRange[] {
  const out: KeyRange[] = [];
  for (const range of [...ranges].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
    const last = out.at(-1);
    if (last === undefined || (last.to !== undefined && last.to < range.from)) out.push(range);
    else out[out.length - 1] = { from: last.from, to: later(last.to, range.to) };
  }
  return out;
}

function later(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return undefined;
  return one < other ? other : one;
}
