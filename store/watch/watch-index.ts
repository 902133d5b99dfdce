import type { KeyRange } from "../mvcc/read.ts";

interface Ranged {
  readonly range: KeyRange<string>;
}

interface Group<W> {
  readonly from: string;
  readonly to: string | undefined;
  readonly watches: Set<W>;
  /** The greatest `to` of this group and all before it in the list. */
  reach: string | undefined;
}

/** Finds the watches that a key concerns: by key for those of one key, by a sorted list of distinct ranges for the others.
 *  Many watches of the same range (all the informers of a resource) are one entry. */
export class WatchIndex<W extends Ranged> {
  readonly #singles = new Map<string, Set<W>>();
  /** Sorted by `from`, then `to`. */
  readonly #groups: Group<W>[] = [];

  get isEmpty(): boolean {
    return this.#singles.size === 0 && this.#groups.length === 0;
  }

  add(watch: W): void {
    const { range } = watch;
    if (range.single) {
      const same = this.#singles.get(range.from);
      if (same === undefined) this.#singles.set(range.from, new Set([watch]));
      else same.add(watch);
      return;
    }
    const at = this.#position(range.from, range.to);
    const group = this.#groups[at];
    if (group !== undefined && group.from === range.from && group.to === range.to) {
      group.watches.add(watch);
      return;
    }
    this.#groups.splice(at, 0, {
      from: range.from,
      to: range.to,
      watches: new Set([watch]),
      reach: range.to,
    });
    this.#refreshReach(at);
  }

  remove(watch: W): void {
    const { range } = watch;
    if (range.single) {
      const same = this.#singles.get(range.from);
      same?.delete(watch);
      if (same?.size === 0) this.#singles.delete(range.from);
      return;
    }
    const at = this.#position(range.from, range.to);
    const group = this.#groups[at];
    if (group === undefined || group.from !== range.from || group.to !== range.to) return;
    group.watches.delete(watch);
    if (group.watches.size > 0) return;
    this.#groups.splice(at, 1);
    this.#refreshReach(at);
  }

  visit(key: string, visit: (watch: W) => void): void {
    const same = this.#singles.get(key);
    if (same !== undefined) for (const watch of same) visit(watch);
    for (let at = this.#after(key) - 1; at >= 0; at--) {
      const group = this.#groups[at] as Group<W>;
      if (!beyond(group.reach, key)) return;
      if (beyond(group.to, key)) for (const watch of group.watches) visit(watch);
    }
  }

  /** The number of groups that begin at or before the key. */
  #after(key: string): number {
    let low = 0;
    let high = this.#groups.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#groups[middle] as Group<W>).from <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the group of this range is or belongs. */
  #position(from: string, to: string | undefined): number {
    let low = 0;
    let high = this.#groups.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const group = this.#groups[middle] as Group<W>;
      const before = group.from < from || (group.from === from && endsBefore(group.to, to));
      if (before) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #refreshReach(start: number): void {
    for (let at = start; at < this.#groups.length; at++) {
      const group = this.#groups[at] as Group<W>;
      const before = this.#groups[at - 1];
      group.reach = before === undefined || endsBefore(before.reach, group.to) ? group.to : before.reach;
    }
  }
}

export function covers(range: KeyRange<string>, key: string): boolean {
  return range.single ? range.from === key : range.from <= key && beyond(range.to, key);
}

/** Whether a range that ends at `to` (undefined: nowhere) reaches past the key. */
function beyond(to: string | undefined, key: string): boolean {
  return to === undefined || key < to;
}

function endsBefore(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && (b === undefined || a < b);
}
