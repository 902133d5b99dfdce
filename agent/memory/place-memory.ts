import { bitCount, type Hint, type NodeMask } from "../cpus/topology-hints.ts";
import { isSameGroup, type MemoryBlock, type MemoryState, totalOf } from "./memory-state.ts";

/** Bytes by type. */
export type AskedMemory = ReadonlyMap<string, number>;

/** Bytes of a type that a container may have of its pod's init containers, at exactly these nodes. */
export type Reusable = (numas: readonly number[], type: string) => number;

export interface Places {
  /** The bit of each NUMA node. */
  readonly places: ReadonlyMap<number, number>;
}

interface Asking extends Places {
  readonly state: MemoryState;
  readonly asked: AskedMemory;
  readonly reusable: Reusable;
}

/** The nodes of a mask, in order. Pure. */
export const nodesOf = (mask: NodeMask, { places }: Places): readonly number[] =>
  [...places].filter(([, place]) => (mask >> place) & 1).map(([numa]) => numa);

export const maskOf = (numas: readonly number[], { places }: Places): NodeMask =>
  numas.reduce((mask, numa) => mask | (1 << Number(places.get(numa))), 0);

/** Every set of NUMA nodes that could give all types of what is asked for, as the kubelet's memory manager finds them: a node
 *  that gives memory alone gives none together with others, and the other way round. Pure. */
export function memoryHints(asking: Asking): readonly Hint[] {
  const { state, asked, reusable, places } = asking;
  const masks = Array.from({ length: 2 ** places.size - 1 }, (_, index) => index + 1);
  const able = masks.filter((mask) => {
    const numas = nodesOf(mask, asking);
    return [...asked].every(([type, bytes]) => totalOf(state, numas, type).allocatable >= bytes);
  });
  const fewest = Math.min(places.size, ...able.map(bitCount));
  return able.flatMap((mask) => {
    const numas = nodesOf(mask, asking);
    if (isKept(state, numas)) return [];
    const hasFree = [...asked].every(
      ([type, bytes]) => totalOf(state, numas, type).free + reusable(numas, type) >= bytes,
    );
    return hasFree ? [{ nodes: mask, preferred: bitCount(mask) === fewest }] : [];
  });
}

/** Whether what is given there already keeps these nodes from giving something together. */
function isKept(state: MemoryState, numas: readonly number[]): boolean {
  const [only, ...more] = numas;
  if (only !== undefined && more.length === 0) return (state.get(only)?.cells.length ?? 1) > 1;
  return isViolated(state, numas);
}

const isViolated = (state: MemoryState, numas: readonly number[]): boolean =>
  numas.length > 1 &&
  numas.some((numa) => {
    const { assignments = 0, cells = [] } = state.get(numa) ?? {};
    return assignments > 0 && !isSameGroup(cells, numas);
  });

/** Where a container gets its memory, by what was agreed on; or why it gets none, in the kubelet's words. Pure. */
export function placeMemory(agreed: Hint, asking: Asking): readonly MemoryBlock[] | string {
  const { state, asked } = asking;
  let best = agreed;
  if (best.nodes === undefined) {
    const usual = narrowest(memoryHints(asking));
    if (usual === undefined)
      return "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available";
    if (!usual.preferred && best.preferred)
      return "[memorymanager] failed to find the default preferred hint";
    best = usual;
  }
  const agreedOn = nodesOf(best.nodes ?? 0, asking);
  const suffices = [...asked].every(([type, bytes]) => totalOf(state, agreedOn, type).free >= bytes);
  if (!suffices || (agreedOn.length === 1 && isKept(state, agreedOn))) {
    // Hints are merged by what they have in common, which may be less than one of them asked for.
    const within = best.nodes ?? 0;
    const extended = narrowest(memoryHints(asking).filter(({ nodes = 0 }) => (nodes & within) === within));
    if (extended === undefined)
      return "[memorymanager] failed to find NUMA nodes to extend the current topology hint";
    if (!extended.preferred && best.preferred)
      return "[memorymanager] failed to find the extended preferred hint";
    best = extended;
  }
  const numas = nodesOf(best.nodes ?? 0, asking);
  if (isViolated(state, numas)) return "[memorymanager] preferred hint violates NUMA node allocation";
  return [...asked].map(([type, bytes]) => ({ numas, type, bytes }));
}

/** The preferred one of the fewest nodes, the first of those. */
function narrowest(hints: readonly Hint[]): Hint | undefined {
  const order = ({ nodes = 0, preferred }: Hint) => [preferred ? 0 : 1, bitCount(nodes), nodes] as const;
  return [...hints].sort((left, right) => {
    const [a, b] = [order(left), order(right)];
    return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  })[0];
}
