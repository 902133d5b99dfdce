import { type Amounts, amountsOf } from "../../../client/rules/pod-requests.ts";
import type { Node } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { Refusal } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import { isExtendedResource, isScalarResource } from "./resource-names.ts";
import { type ResourceSpec, type ScoringStrategy, scorerOf } from "./resource-scores.ts";

export interface NodeResourcesFitArgs {
  /** Extended resources that somebody else sees to. */
  readonly ignoredResources: readonly string[];
  /** The same by what stands before the slash. */
  readonly ignoredResourceGroups: readonly string[];
  readonly scoringStrategy: ScoringStrategy;
}

/** Requests against what the node has left; the nodes that remain are scored by the strategy. */
export const resourcesFit: PluginFactory = (given) => {
  const { ignoredResources, ignoredResourceGroups, scoringStrategy } = given as NodeResourcesFitArgs;
  const isIgnored = (name: string) =>
    isExtendedResource(name) &&
    (ignoredResources.includes(name) || ignoredResourceGroups.includes(name.split("/")[0] ?? ""));
  const scorer = scorerOf(scoringStrategy);
  return {
    name: "NodeResourcesFit",
    helpedBy: {
      nodeAdded: (pod, { node }) =>
        refusalOn(allocatableOf(node), wantedOf(pod, isIgnored), {}, 0) === undefined,
      nodeChanged: (pod, { node, before }) => {
        const [is, was] = [allocatableOf(node), allocatableOf(before)];
        const wanted = wantedOf(pod, isIgnored);
        if (refusalOn(is, wanted, {}, 0) !== undefined) return false;
        return ["pods", ...wanted.map(([name]) => name)].some((name) => (is[name] ?? 0) > (was[name] ?? 0));
      },
      podRemoved: (pod, { pod: other }) => frees(pod, other),
      podShrank: (pod, { pod: other }) => frees(pod, other),
    },
    prepareFilter: (pod) => {
      const wanted = wantedOf(pod, isIgnored);
      return { filter: (node) => refusalOn(node.allocatable, wanted, node.requested, node.pods.size) };
    },
    prepareScore: (pod) => {
      const rows = rowsOf(scoringStrategy.resources, pod, pod.assumedRequests);
      return {
        score: (node) =>
          scorer(
            rows.map((row) => usedOf(row, node, row.isAssumed ? node.assumedRequested : node.requested)),
          ),
      };
    },
  };
};

type Wanted = readonly (readonly [name: string, amount: number])[];

const wantedOf = ({ requests }: PodInfo, isIgnored: (name: string) => boolean): Wanted =>
  Object.entries(requests).filter(([name, amount]) => amount > 0 && !isIgnored(name));

const allocatableOf = ({ status }: Node): Amounts => amountsOf(status?.allocatable);

/** A pod that goes makes room for one more, and frees what it had. */
const frees = (pod: PodInfo, other: PodInfo): boolean =>
  Object.keys(pod.requests).length === 0 ||
  Object.keys(other.requests).length === 0 ||
  Object.entries(pod.requests).some(([name, amount]) => amount > 0 && (other.requests[name] ?? 0) > 0);

function refusalOn(has: Amounts, wanted: Wanted, used: Amounts, pods: number): Refusal | undefined {
  let reasons: string[] | undefined;
  let lasting = false;
  if (pods + 1 > (has.pods ?? 0)) reasons = ["Too many pods"];
  for (const [name, amount] of wanted) {
    const all = has[name] ?? 0;
    if (amount <= all - (used[name] ?? 0)) continue;
    reasons ??= [];
    reasons.push(`Insufficient ${name}`);
    if (amount > all) lasting = true;
  }
  return reasons && { reasons, lasting };
}

/** A resource that counts in scores, with what the pod adds to it. */
interface Row {
  readonly name: string;
  readonly weight: number;
  readonly more: number;
  readonly isAssumed: boolean;
}

/** Extended resources that the pod does not ask for do not count. */
function rowsOf(resources: readonly ResourceSpec[], { requests }: PodInfo, assumed: Amounts): readonly Row[] {
  return resources.flatMap(({ name, weight }) => {
    const isAssumed = name === "cpu" || name === "memory";
    const more = (isAssumed ? assumed : requests)[name] ?? 0;
    return more === 0 && isScalarResource(name) ? [] : [{ name, weight, more, isAssumed }];
  });
}

function usedOf({ name, weight, more }: Row, node: NodeInfo, used: Amounts) {
  const before = used[name] ?? 0;
  return { weight, before, requested: before + more, capacity: node.allocatable[name] ?? 0 };
}

export interface NodeResourcesBalancedAllocationArgs {
  readonly resources: readonly ResourceSpec[];
}

/** Prefers nodes on which resources are used in like measure, so that none is left stranded: by how much the pod makes the
 *  node more balanced. */
export const resourcesBalanced: PluginFactory = (given) => {
  const { resources } = given as NodeResourcesBalancedAllocationArgs;
  return {
    name: "NodeResourcesBalancedAllocation",
    prepareScore: (pod) => {
      const rows = rowsOf(resources, pod, pod.requests);
      if (rows.every(({ more }) => more === 0)) return undefined;
      return {
        score: (node) => {
          const used = rows
            .map((row) => usedOf(row, node, node.requested))
            .filter(({ capacity }) => capacity > 0);
          const after = balance(used.map(({ requested, capacity }) => requested / capacity));
          const before = balance(used.map((one) => one.before / one.capacity));
          return 50 + Math.trunc((50 + after - before) / 2);
        },
      };
    },
  };
};

/** 100 where all shares are the same, less the further they lie apart. */
function balance(shares: readonly number[]): number {
  const capped = shares.map((share) => Math.min(share, 1));
  if (capped.length < 2) return 100;
  const mean = capped.reduce((sum, share) => sum + share, 0) / capped.length;
  const [first, second] = capped as [number, number];
  const deviation =
    capped.length === 2
      ? Math.abs((first - second) / 2)
      : Math.sqrt(capped.reduce((sum, share) => sum + (share - mean) ** 2, 0) / capped.length);
  return Math.trunc((1 - deviation) * 100);
}
