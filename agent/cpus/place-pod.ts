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
  /** No two containers share a core. */
  readonly fullCoresOnly: boolean;
  readonly topologyPolicy: TopologyPolicy;
  /** Whether the containers of a pod are placed each for itself, or together. */
  readonly topologyScope: "container" | "pod";
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
): ReadonlyMap<string, CpuSet> | Rejection {
  const { uid } = pod.metadata;
  const placed = new Map(assigned.get(uid) ?? []);
  const others = union(
    ...[...assigned].filter(([key]) => key !== uid).flatMap(([, own]) => [...own.values()]),
  );
  let kept: CpuSet = new Set();
  const podHint = rules.topologyScope === "pod" ? hintFor(podCpus(pod), others, kept, rules) : undefined;
  if (podHint?.admit === false) return topologyRejection;
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    const count = exclusiveCpus(pod, container);
    if (count === 0) continue;
    const before = placed.get(container.name);
    if (before === undefined) {
      const taken = union(others, ...placed.values());
      const misaligned = coreProblem(count, without(taken, kept), rules);
      if (misaligned !== undefined) return misaligned;
      const { hint, admit } = podHint ?? hintFor(count, taken, kept, rules);
      if (!admit) return topologyRejection;
      const own = takeNear(hint, count, union(freeCpus(taken, rules), kept), rules);
      if ("reason" in own) return own;
      placed.set(container.name, own);
    }
    const own = placed.get(container.name) ?? new Set();
    const isInit = pod.spec.initContainers?.includes(container) && container.restartPolicy !== "Always";
    kept = isInit ? union(kept, own) : without(kept, own);
  }
  return placed;
}

/** What no container has for itself and none is kept from. */
const freeCpus = (taken: CpuSet, { topology, reserved }: PlacementRules): CpuSet =>
  without(without(new Set(topology.map(({ id }) => id)), taken), reserved);

function hintFor(
  count: number,
  taken: CpuSet,
  kept: CpuSet,
  rules: PlacementRules,
): { readonly hint: Hint; readonly admit: boolean } {
  const { topology, topologyPolicy } = rules;
  if (topologyPolicy === "none" || count === 0)
    return { hint: { nodes: undefined, preferred: true }, admit: true };
  const all: NodeMask = 2 ** numaPlaces(topology).size - 1;
  return mergeHints(topologyPolicy, all, [
    cpuHints(topology, { available: freeCpus(taken, rules), kept, count }),
  ]);
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

/** What a pod's containers have at most at one time. */
function podCpus(pod: Pod): number {
  let sidecars = 0;
  let peak = 0;
  for (const container of pod.spec.initContainers ?? []) {
    const count = exclusiveCpus(pod, container);
    if (container.restartPolicy === "Always") sidecars += count;
    else peak = Math.max(peak, sidecars + count);
  }
  const running = pod.spec.containers.reduce((sum, one) => sum + exclusiveCpus(pod, one), sidecars);
  return Math.max(peak, running);
}
