import { type IpRange, ipRangeText, parseIpRange, rangesOverlap } from "../../../base/ip-range.ts";
import { RangeSet } from "./range-set.ts";

/** A range that nodes' ranges are cut from. */
export interface ClusterRange {
  readonly range: IpRange;
  readonly maskSize: number;
}

export type RangesGiven =
  | { readonly ok: true; readonly ranges: readonly string[]; readonly areNew: boolean }
  /** Of that range of the cluster nothing is left. */
  | { readonly ok: false; readonly exhausted: ClusterRange };

/** Which node has which ranges: one of each family that the cluster has. Pure memory.
 *  Invariant: what a node holds is held in the sets, once for it, until it goes or shows other ranges. */
export class NodeRanges {
  readonly sets: readonly RangeSet[];
  readonly #cluster: readonly ClusterRange[];
  readonly #held = new Map<string, readonly string[]>();

  /** @param reserved Ranges that no node may get: those of services. */
  constructor(cluster: readonly ClusterRange[], reserved: readonly IpRange[]) {
    this.#cluster = cluster;
    this.sets = cluster.map(({ range, maskSize }) => new RangeSet(range, maskSize));
    for (const [index, set] of this.sets.entries())
      for (const range of reserved)
        if (rangesOverlap(cluster[index]?.range ?? range, range)) set.occupy(range);
  }

  /** What the node shows. Without ranges it keeps what it was given and does not show yet. Answers those of them that are
   *  not of the cluster's. */
  show(node: string, ranges: readonly string[]): readonly string[] {
    if (ranges.length === 0) return [];
    const before = this.#held.get(node);
    if (before !== undefined && before.join() === ranges.join()) return [];
    this.forget(node);
    this.#held.set(node, ranges);
    return ranges.filter((text, index) => {
      const range = parseIpRange(text);
      return range === undefined || this.sets[index]?.occupy(range) !== true;
    });
  }

  /** Answers whether it held any. */
  forget(node: string): boolean {
    for (const [index, text] of (this.#held.get(node) ?? []).entries()) {
      const range = parseIpRange(text);
      if (range !== undefined) this.sets[index]?.release(range);
    }
    return this.#held.delete(node);
  }

  /** The node's ranges; new ones where it has none. Nothing is held where not every family can be given. */
  give(node: string): RangesGiven {
    const held = this.#held.get(node);
    if (held !== undefined) return { ok: true, ranges: held, areNew: false };
    const given: IpRange[] = [];
    for (const [index, set] of this.sets.entries()) {
      const range = set.allocate();
      const exhausted = this.#cluster[index];
      if (range === undefined && exhausted !== undefined) {
        for (const [done, one] of given.entries()) this.sets[done]?.release(one);
        return { ok: false, exhausted };
      }
      if (range !== undefined) given.push(range);
    }
    const ranges = given.map(ipRangeText);
    this.#held.set(node, ranges);
    return { ok: true, ranges, areNew: true };
  }
}
