import { type IpRange, ipRangeText, parseIpRange } from "../../../base/ip-range.ts";
import { type RangeObserver, RangeSet } from "./range-set.ts";

/** A range that nodes' ranges are cut from. */
export interface ClusterRange {
  readonly range: IpRange;
  readonly maskSize: number;
}

export type RangesGiven =
  | { readonly ok: true; readonly ranges: readonly string[] }
  /** Of that range of the cluster nothing is left. */
  | { readonly ok: false; readonly exhausted: ClusterRange };

/** Which node has which ranges: one of each family that the cluster has. Pure memory.
 *  Invariant: what a node holds is held in the sets, once for it, until it goes or shows other ranges. */
export class NodeRanges {
  readonly sets: readonly RangeSet[];
  readonly #cluster: readonly ClusterRange[];
  readonly #held = new Map<string, readonly string[]>();

  /** @param reserved Ranges that no node may get: those of services.
   *  @param observerOf Who is told what becomes of the blocks of a cluster's range. */
  constructor(
    cluster: readonly ClusterRange[],
    reserved: readonly IpRange[],
    observerOf?: (range: IpRange) => RangeObserver,
  ) {
    this.#cluster = cluster;
    this.sets = cluster.map(({ range, maskSize }) => new RangeSet(range, maskSize, observerOf?.(range)));
    for (const range of reserved) this.#setOf(range)?.occupy(range);
  }

  /** A cluster has one range of a family; in which order it names them may have changed since a node got its own. */
  #setOf({ family }: IpRange): RangeSet | undefined {
    return this.sets.find(({ whole }) => whole.family === family);
  }

  /** What the node shows. Without ranges it keeps what it was given and does not show yet. Answers those of them that are
   *  not of the cluster's. */
  show(node: string, ranges: readonly string[]): readonly string[] {
    if (ranges.length === 0) return [];
    const before = this.#held.get(node);
    if (before !== undefined && before.join() === ranges.join()) return [];
    this.forget(node);
    this.#held.set(node, ranges);
    return ranges.filter((text) => {
      const range = parseIpRange(text);
      return range === undefined || this.#setOf(range)?.occupy(range) !== true;
    });
  }

  forget(node: string): void {
    for (const text of this.#held.get(node) ?? []) {
      const range = parseIpRange(text);
      if (range !== undefined) this.#setOf(range)?.release(range);
    }
    this.#held.delete(node);
  }

  /** The node's ranges; new ones where it has none. Nothing is held where not every family can be given. */
  give(node: string): RangesGiven {
    const held = this.#held.get(node);
    if (held !== undefined) return { ok: true, ranges: held };
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
    return { ok: true, ranges };
  }
}
