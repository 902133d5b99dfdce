import { bitCount, type Hint, type NodeMask } from "../cpus/topology-hints.ts";
import type { Devices } from "./device-list.ts";

/** The bit of each NUMA node. */
type Places = ReadonlyMap<number, number>;

export interface Choice {
  readonly devices: Devices;
  readonly inUse: ReadonlySet<string>;
  /** The pod's own already, of init containers that are over then: taken first. */
  readonly reusable: ReadonlySet<string>;
  readonly count: number;
  /** NUMA nodes to take from, where that was agreed on. */
  readonly affinity: NodeMask | undefined;
  readonly places: Places;
}

/** What is settled of a choice before its plugin may say what it prefers. */
export interface BegunChoice {
  readonly chosen: readonly string[];
  readonly count: number;
  /** What the plugin may choose from, if there is any choice. */
  readonly among: ReadonlySet<string>;
  /** Where the rest is taken from, in this order. */
  readonly rest: readonly string[];
}

/** What can be given. Pure. */
export function availableDevices({ devices, inUse }: Pick<Choice, "devices" | "inUse">): readonly string[] {
  return [...devices].flatMap(([id, { isHealthy }]) => (isHealthy && !inUse.has(id) ? [id] : [])).sort();
}

/** Undefined where there are too few. Pure. */
export function beginChoice(choice: Choice): BegunChoice | undefined {
  const { devices, count, affinity, places, reusable } = choice;
  const chosen = [...reusable].sort().slice(0, count);
  if (chosen.length === count) return { chosen, count, among: new Set(), rest: [] };
  const available = availableDevices(choice).filter((id) => !reusable.has(id));
  const needed = count - chosen.length;
  if (available.length < needed) return undefined;
  const near = affinity === undefined || !isAligned(devices) ? undefined : affinity;
  const sorted = { aligned: [] as string[], elsewhere: [] as string[], anywhere: [] as string[] };
  for (const id of available) sorted[placeOf(devices.get(id)?.numa ?? [], near, places)].push(id);
  const { aligned, elsewhere, anywhere } = sorted;
  if (needed < aligned.length) return { chosen, count, among: new Set(aligned), rest: aligned };
  return {
    chosen: [...chosen, ...aligned],
    count,
    among: new Set(aligned.length === needed ? [] : [...elsewhere, ...anywhere]),
    rest: [...elsewhere, ...anywhere],
  };
}

/** What a plugin prefers counts as far as it may choose. Pure. */
export function finishChoice(
  { chosen, count, among, rest }: BegunChoice,
  preferred: readonly string[],
): readonly string[] {
  const all = new Set([...chosen, ...preferred.filter((id) => among.has(id)), ...rest]);
  return [...all].slice(0, count);
}

/** Plugins that know of no NUMA node do not care. */
export const isAligned = (devices: Devices): boolean =>
  [...devices.values()].some(({ numa }) => numa.length > 0);

function placeOf(
  numa: readonly number[],
  near: NodeMask | undefined,
  places: Places,
): "aligned" | "elsewhere" | "anywhere" {
  if (near === undefined || numa.length === 0) return "anywhere";
  return isIn(near, numa, places) ? "aligned" : "elsewhere";
}

const isIn = (mask: NodeMask, numa: readonly number[], places: Places): boolean =>
  numa.some((node) => ((mask >> (places.get(node) ?? 31)) & 1) === 1);

/** Every set of NUMA nodes that could give so many, as the kubelet's device manager finds them; undefined where the devices may
 *  come from anywhere. Pure. */
export function deviceHints({
  devices,
  inUse,
  reusable,
  count,
  places,
}: Omit<Choice, "affinity">): readonly Hint[] | undefined {
  if (!isAligned(devices)) return undefined;
  const available = availableDevices({ devices, inUse }).filter((id) => !reusable.has(id));
  if (available.length + reusable.size < count) return [];
  const numaOf = (id: string) => devices.get(id)?.numa ?? [];
  const own = new Set([...devices.values()].flatMap(({ numa }) => numa.filter((node) => places.has(node))));
  const bits = [...(own.size > 0 ? own : places.keys())].map((node) => 1 << Number(places.get(node)));
  const masks = Array.from({ length: 2 ** bits.length - 1 }, (_, index) =>
    bits.reduce((mask, bit, at) => ((index + 1) & (1 << at) ? mask | bit : mask), 0),
  ).sort((a, b) => a - b);
  const able = masks.filter(
    (mask) => [...devices.values()].filter(({ numa }) => isIn(mask, numa, places)).length >= count,
  );
  const fewest = Math.min(bits.length, ...able.map(bitCount));
  return masks.flatMap((mask) => {
    const kept = [...reusable].filter((id) => numaOf(id).length > 0);
    if (kept.some((id) => !isIn(mask, numaOf(id), places))) return [];
    const matching = kept.length + available.filter((id) => isIn(mask, numaOf(id), places)).length;
    return matching < count ? [] : [{ nodes: mask, preferred: bitCount(mask) === fewest }];
  });
}
