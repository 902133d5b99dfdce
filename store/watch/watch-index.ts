import { IntervalMap, reachesPast } from "../../base/interval-map.ts";
import type { KeyRange } from "../mvcc/read.ts";

interface Ranged {
  readonly range: KeyRange<string>;
}

/** Finds the watches that a key concerns: by key for those of one key, by a tree of distinct ranges for the others.
 *  Many watches of the same range (all the informers of a resource) are one entry. */
export class WatchIndex<W extends Ranged> {
  readonly #singles = new Map<string, Set<W>>();
  readonly #ranges = new IntervalMap<Set<W>>();

  get isEmpty(): boolean {
    return this.#singles.size === 0 && this.#ranges.isEmpty;
  }

  add(watch: W): void {
    const { range } = watch;
    if (range.single) {
      const same = this.#singles.get(range.from);
      if (same === undefined) this.#singles.set(range.from, new Set([watch]));
      else same.add(watch);
      return;
    }
    const same = this.#ranges.get(range);
    if (same === undefined) this.#ranges.add(range, new Set([watch]));
    else same.add(watch);
  }

  remove(watch: W): void {
    const { range } = watch;
    if (range.single) {
      const same = this.#singles.get(range.from);
      same?.delete(watch);
      if (same?.size === 0) this.#singles.delete(range.from);
      return;
    }
    const same = this.#ranges.get(range);
    same?.delete(watch);
    if (same?.size === 0) this.#ranges.delete(range);
  }

  visit(key: string, visit: (watch: W) => void): void {
    const same = this.#singles.get(key);
    if (same !== undefined) for (const watch of same) visit(watch);
    this.#ranges.visit(key, (watches) => {
      for (const watch of watches) visit(watch);
    });
  }
}

export function covers(range: KeyRange<string>, key: string): boolean {
  return range.single ? range.from === key : range.from <= key && reachesPast(range.to, key);
}
