import { IntervalMap, reachesPast } from "../../base/interval-map.ts";
import type { KeyRange } from "../mvcc/read.ts";
import type { WatchEvent } from "./event-bytes.ts";

/** What decides on the events that a watch is told of. */
export interface Interest {
  readonly range: KeyRange<string>;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly prevKv: boolean;
}

/** Watches that are told the same. */
export class WatchGroup<W extends Interest> implements Interest {
  readonly range: KeyRange<string>;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly prevKv: boolean;
  readonly watchers = new Set<W>();
  /** Events that they are to be told of. */
  gathered: WatchEvent[] | undefined;

  constructor({ range, noPut, noDelete, prevKv }: Interest) {
    this.range = range;
    this.noPut = noPut;
    this.noDelete = noDelete;
    this.prevKv = prevKv;
  }

  /** Whether a watch of the same range belongs here. */
  takes({ noPut, noDelete, prevKv }: Interest): boolean {
    return this.noPut === noPut && this.noDelete === noDelete && this.prevKv === prevKv;
  }
}

/** Finds the groups of watches that a key concerns: by key for those of one key, by a tree of distinct ranges for the others.
 *  However many watches want the same (all the informers of a resource), they are one group. */
export class WatchIndex<W extends Interest> {
  readonly #singles = new Map<string, WatchGroup<W>[]>();
  readonly #ranges = new IntervalMap<WatchGroup<W>[]>();

  get isEmpty(): boolean {
    return this.#singles.size === 0 && this.#ranges.isEmpty;
  }

  add(watch: W): void {
    const groups = this.#at(watch.range);
    const group = groups?.find((one) => one.takes(watch)) ?? new WatchGroup<W>(watch);
    group.watchers.add(watch);
    if (groups === undefined) this.#put(watch.range, [group]);
    else if (group.watchers.size === 1) groups.push(group);
  }

  remove(watch: W): void {
    const groups = this.#at(watch.range);
    const at = groups?.findIndex((one) => one.takes(watch)) ?? -1;
    const group = groups?.[at];
    if (groups === undefined || group === undefined) return;
    group.watchers.delete(watch);
    if (group.watchers.size > 0) return;
    groups.splice(at, 1);
    if (groups.length === 0) this.#delete(watch.range);
  }

  visit(key: string, visit: (group: WatchGroup<W>) => void): void {
    const singles = this.#singles.get(key);
    if (singles !== undefined) for (const group of singles) visit(group);
    this.#ranges.visit(key, (groups) => {
      for (const group of groups) visit(group);
    });
  }

  #at(range: KeyRange<string>): WatchGroup<W>[] | undefined {
    return range.single ? this.#singles.get(range.from) : this.#ranges.get(range);
  }

  #put(range: KeyRange<string>, groups: WatchGroup<W>[]): void {
    if (range.single) this.#singles.set(range.from, groups);
    else this.#ranges.add(range, groups);
  }

  #delete(range: KeyRange<string>): void {
    if (range.single) this.#singles.delete(range.from);
    else this.#ranges.delete(range);
  }
}

export function covers(range: KeyRange<string>, key: string): boolean {
  return range.single ? range.from === key : range.from <= key && reachesPast(range.to, key);
}
