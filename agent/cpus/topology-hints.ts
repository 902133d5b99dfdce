import type { CpuSet } from "./cpu-set.ts";
import type { CpuTopology } from "./cpu-topology.ts";

/** NUMA nodes, a bit each. */
export type NodeMask = number;

/** NUMA nodes that could give what is asked for. `nodes` is undefined for what may come from anywhere. */
export interface Hint {
  readonly nodes: NodeMask | undefined;
  /** No fewer nodes could ever do. */
  readonly preferred: boolean;
}

export const topologyPolicies = ["none", "best-effort", "restricted", "single-numa-node"] as const;
export type TopologyPolicy = (typeof topologyPolicies)[number];

/** As the kubelet's: all subsets of more nodes would be too many. */
export const topologyLimits = { numaNodesMost: 8 } as const;

export function bitCount(mask: NodeMask): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Every set of nodes that has so many of the CPUs, by the nodes' places in their order. `kept` were the pod's before, and
 *  have to be in it. Pure. */
export function cpuHints(
  topology: CpuTopology,
  { available, kept, count }: { readonly available: CpuSet; readonly kept: CpuSet; readonly count: number },
): readonly Hint[] {
  const places = numaPlaces(topology);
  const inMask = (mask: NodeMask) => topology.filter(({ numa }) => (mask >> Number(places.get(numa))) & 1);
  const masks = Array.from({ length: 2 ** places.size - 1 }, (_, index) => index + 1);
  const able = masks.filter((mask) => inMask(mask).length >= count).map(bitCount);
  const fewest = Math.min(places.size, ...able);
  return masks.flatMap((mask) => {
    const ids = inMask(mask).map(({ id }) => id);
    if ([...kept].some((id) => !ids.includes(id))) return [];
    if (ids.filter((id) => available.has(id) || kept.has(id)).length < count) return [];
    return [{ nodes: mask, preferred: bitCount(mask) === fewest }];
  });
}

/** The bit of each NUMA node. Pure. */
export function numaPlaces(topology: CpuTopology): ReadonlyMap<number, number> {
  const nodes = [...new Set(topology.map(({ numa }) => numa))].sort((a, b) => a - b);
  return new Map(nodes.map((numa, place) => [numa, place]));
}

/** What all that a container asks for can agree on, as the kubelet's topology manager merges hints; `all` has every node. A
 *  list without any hint says that nothing can be given. Pure. */
export function mergeHints(
  policy: TopologyPolicy,
  all: NodeMask,
  lists: readonly (readonly Hint[])[],
): { readonly hint: Hint; readonly admit: boolean } {
  const isSingle = policy === "single-numa-node";
  const filled = lists.map((hints) => (hints.length > 0 ? hints : [{ nodes: undefined, preferred: false }]));
  const counted = isSingle ? filled.map((hints) => hints.filter(isSingleNode)) : filled;
  const fewest = Math.max(0, ...counted.map(narrowestCount));
  let best: Hint | undefined;
  for (const { nodes, preferred } of combined(all, counted)) {
    const merged = { nodes, preferred };
    if (bitCount(nodes) > 0) best = best === undefined ? merged : better(best, merged, fewest);
  }
  best ??= { nodes: all, preferred: false };
  const hint = isSingle && best.nodes === all ? { ...best, nodes: undefined } : best;
  return { hint, admit: policy === "best-effort" || policy === "none" || hint.preferred };
}

const isSingleNode = ({ nodes, preferred }: Hint): boolean =>
  preferred && (nodes === undefined || bitCount(nodes) === 1);

function narrowestCount(hints: readonly Hint[]): number {
  const counts = hints.flatMap(({ nodes }) => (nodes === undefined ? [] : [bitCount(nodes)]));
  return counts.length === 0 ? 0 : Math.min(...counts);
}

interface Combined {
  readonly nodes: NodeMask;
  readonly preferred: boolean;
  /** The nodes that all hints name so far; undefined where none names any, false where they differ. */
  readonly named: NodeMask | undefined | false;
}

/** What comes of one hint of each list, whichever: preferred where each of them is, and all are of the same nodes. What comes out
 *  alike is one, so that many lists cost no more than their sum. */
function combined(all: NodeMask, lists: readonly (readonly Hint[])[]): readonly Combined[] {
  let sofar: readonly Combined[] = [{ nodes: all, preferred: true, named: undefined }];
  for (const hints of lists) {
    const next = new Map<string, Combined>();
    for (const one of sofar)
      for (const { nodes, preferred } of hints) {
        const named =
          nodes === undefined || one.named === nodes
            ? one.named
            : one.named === undefined
              ? nodes
              : (false as const);
        const merged = {
          nodes: one.nodes & (nodes ?? all),
          preferred: one.preferred && preferred && named !== false,
          named,
        };
        const key = `${merged.nodes} ${merged.preferred} ${merged.named}`;
        if (!next.has(key)) next.set(key, merged);
      }
    sofar = [...next.values()];
  }
  return sofar;
}

/** Of two that are not preferred, the one nearest to what each alone could do with, from above. */
function better(current: Hint, candidate: Hint, fewest: number): Hint {
  if (current.preferred !== candidate.preferred) return current.preferred ? current : candidate;
  const [now, next] = [bitCount(current.nodes ?? 0), bitCount(candidate.nodes ?? 0)];
  if (current.preferred || now > fewest) return narrower(current, candidate);
  if (now === fewest) return next === fewest ? narrower(current, candidate) : current;
  if (next > fewest) return current;
  if (next === fewest || next > now) return candidate;
  return next < now ? current : narrower(current, candidate);
}

function narrower(current: Hint, candidate: Hint): Hint {
  const [now, next] = [bitCount(current.nodes ?? 0), bitCount(candidate.nodes ?? 0)];
  if (now !== next) return next < now ? candidate : current;
  return Number(candidate.nodes) < Number(current.nodes) ? candidate : current;
}
