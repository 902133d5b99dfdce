import { parseMilliQuantity } from "../../base/quantity.ts";
import { qosClass } from "../../client/rules/pod-qos.ts";
import type { Container, Pod } from "../../client/types.ts";
import type { Rejection } from "../admission/fits-node.ts";
import { type CpuSet, union, without } from "./cpu-set.ts";
import { type CpuTopology, cpusPerCore } from "./cpu-topology.ts";
import { takeCpus } from "./take-cpus.ts";
import {
  cpuHints,
  type Hint,
  mergeHints,
  type NodeMask,
  numaPlaces,
  type TopologyPolicy,
} from "./topology-hints.ts";

export interface PlacementRules {
  readonly topology: CpuTopology;
  /** Never a container's own. */
  readonly reserved: CpuSet;
  /** No container has CPUs of its own. */
  readonly allShare?: boolean;
  /** No two containers share a core. */
  readonly fullCoresOnly: boolean;
  readonly topologyPolicy: TopologyPolicy;
  /** Whether the containers of a pod are placed each for itself, or together. */
  readonly topologyScope: "container" | "pod";
}

/** What else than CPUs containers are given that lies near to NUMA nodes. */
export interface PlacedBeside {
  /** A list for each kind of which the container is to have some. */
  hints(container: Container): readonly (readonly Hint[])[];
  /** The same for the pod as a whole. */
  podHints(): readonly (readonly Hint[])[];
  /** Told, in the containers' order, where each is to be; answers why that cannot be. */
  placed(container: Container, hint: Hint): Rejection | undefined;
}

/** CPUs that containers have for themselves, by pod and container. */
export type Assignments = ReadonlyMap<string, ReadonlyMap<string, CpuSet>>;

const topologyRejection: Rejection = {
  reason: "TopologyAffinityError",
  message: "Resources cannot be allocated with Topology locality",
};

/** How many CPUs a container has for itself, as by the kubelet's static policy: a whole number, in a Guaranteed pod that asks for
 *  nothing as a whole. Pure. */
export function exclusiveCpus({ spec }: Pod, { resources }: Container): number {
  if (spec.resources !== undefined || qosClass(spec) !== "Guaranteed") return 0;
  const millis = parseMilliQuantity(resources?.requests?.cpu ?? resources?.limits?.cpu ?? "0");
  return millis % 1000 === 0 ? millis / 1000 : 0;
}

/** The CPUs of a pod's containers, init containers' first, which those that follow may have after them; those of containers that
 *  had theirs before stay. Pure. */
export function placePod(
  pod: Pod,
  assigned: Assignments,
  rules: PlacementRules,
  beside?: PlacedBeside,
): ReadonlyMap<string, CpuSet> | Rejection {
  const { uid } = pod.metadata;
  const placed = new Map(assigned.get(uid) ?? []);
  const others = union(
    ...[...assigned].filter(([key]) => key !== uid).flatMap(([, own]) => [...own.values()]),
  );
  let kept: CpuSet = new Set();
  const cpusOf = (container: Container) => (rules.allShare ? 0 : exclusiveCpus(pod, container));
  const isByPod = rules.topologyScope === "pod" && rules.topologyPolicy !== "none";
  const podHint = isByPod
    ? hintFor(peakOf(pod, cpusOf), { taken: others, kept, beside: beside?.podHints() ?? [] }, rules)
    : undefined;
  if (podHint?.admit === false) return topologyRejection;
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    const count = cpusOf(container);
    const before = placed.get(container.name);
    const taken = union(others, ...placed.values());
    const wanted = before === undefined ? count : 0;
    const misaligned = wanted === 0 ? undefined : coreProblem(count, without(taken, kept), rules);
    if (misaligned !== undefined) return misaligned;
    const { hint, admit } =
      podHint ?? hintFor(wanted, { taken, kept, beside: beside?.hints(container) ?? [] }, rules);
    if (!admit) return topologyRejection;
    if (count > 0 && before === undefined) {
      const own = takeNear(hint, count, union(freeCpus(taken, rules), kept), rules);
      if ("reason" in own) return own;
      placed.set(container.name, own);
    }
    const refused = beside?.placed(container, hint);
    if (refused !== undefined) return refused;
    if (count === 0) continue;
    const own = placed.get(container.name) ?? new Set();
    const isInit = pod.spec.initContainers?.includes(container) && container.restartPolicy !== "Always";
    kept = isInit ? union(kept, own) : without(kept, own);
  }
  return placed;
}

/** What no container has for itself and none is kept from. */
const freeCpus = (taken: CpuSet, { topology, reserved }: PlacementRules): CpuSet =>
  without(without(new Set(topology.map(({ id }) => id)), taken), reserved);

interface Asked {
  readonly taken: CpuSet;
  readonly kept: CpuSet;
  /** Hints for what is asked for beside CPUs. */
  readonly beside: readonly (readonly Hint[])[];
}

function hintFor(
  count: number,
  { taken, kept, beside }: Asked,
  rules: PlacementRules,
): { readonly hint: Hint; readonly admit: boolean } {
  const { topology, topologyPolicy } = rules;
  if (topologyPolicy === "none" || (count === 0 && beside.length === 0))
    return { hint: { nodes: undefined, preferred: true }, admit: true };
  const all: NodeMask = 2 ** numaPlaces(topology).size - 1;
  const own = count === 0 ? [] : [cpuHints(topology, { available: freeCpus(taken, rules), kept, count })];
  return mergeHints(topologyPolicy, all, [...beside, ...own]);
}

/** From the NUMA nodes of the hint as many as they have, the rest from anywhere. */
function takeNear(
  hint: Hint,
  count: number,
  available: CpuSet,
  { topology }: PlacementRules,
): CpuSet | Rejection {
  const places = numaPlaces(topology);
  const near =
    hint.nodes === undefined
      ? new Set<number>()
      : new Set(
          topology
            .filter(
              ({ id, numa }) => available.has(id) && (Number(hint.nodes) >> Number(places.get(numa))) & 1,
            )
            .map(({ id }) => id),
        );
  const aligned = takeCpus(topology, near, Math.min(count, near.size)) ?? new Set();
  const rest = takeCpus(topology, without(available, aligned), count - aligned.size);
  if (rest !== undefined) return union(aligned, rest);
  const left = available.size - aligned.size;
  const problem = `not enough cpus available to satisfy request: requested=${count - aligned.size}, available=${left}`;
  return {
    reason: "UnexpectedAdmissionError",
    message: `Allocate failed due to ${problem}, which is unexpected`,
  };
}

/** Why whole cores cannot be had, where nothing else is given. */
function coreProblem(count: number, taken: CpuSet, rules: PlacementRules): Rejection | undefined {
  if (!rules.fullCoresOnly) return undefined;
  const perCore = cpusPerCore(rules.topology);
  const rejection = (text: string) => ({
    reason: "SMTAlignmentError",
    message: `SMT Alignment Error: ${text}`,
  });
  if (count % perCore !== 0)
    return rejection(`requested ${count} cpus not multiple cpus per core = ${perCore}`);
  const reservedCores = new Set(
    rules.topology.filter(({ id }) => rules.reserved.has(id)).map(({ core }) => core),
  );
  const free = freeCpus(taken, rules);
  const whole = rules.topology.filter(({ id, core }) => free.has(id) && !reservedCores.has(core)).length;
  if (count <= whole) return undefined;
  return rejection(
    `not enough free physical CPUs: available physical CPUs = ${whole}, requested CPUs = ${count}, CPUs per core = ${perCore}`,
  );
}

/** What a pod's containers have of something at most at one time. Pure. */
export function peakOf(pod: Pod, amountOf: (container: Container) => number): number {
  let sidecars = 0;
  let peak = 0;
  for (const container of pod.spec.initContainers ?? []) {
    const count = amountOf(container);
    if (container.restartPolicy === "Always") sidecars += count;
    else peak = Math.max(peak, sidecars + count);
  }
  const running = pod.spec.containers.reduce((sum, one) => sum + amountOf(one), sidecars);
  return Math.max(peak, running);
}
