import { type Amounts, amountsOf } from "../../../client/rules/pod-requests.ts";
import { classResources } from "../../../client/rules/resource-claims.ts";
import type { Node } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { Refusal } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import { classesOf } from "../devices/extended-claims.ts";
import { isExtendedResource, isScalarResource } from "./resource-names.ts";
import { type ResourceScorer, type ResourceSpec, type ScoringStrategy, scorerOf } from "./resource-scores.ts";

export interface NodeResourcesFitArgs {
  /** Extended resources that somebody else sees to. */
  readonly ignoredResources: readonly string[];
  /** The same by what stands before the slash. */
  readonly ignoredResourceGroups: readonly string[];
  readonly scoringStrategy: ScoringStrategy;
}

/** Requests against what the node has left; the nodes that remain are scored by the strategy. */
export const resourcesFit: PluginFactory = (given, { devices }) => {
  const { ignoredResources, ignoredResourceGroups, scoringStrategy } = given as NodeResourcesFitArgs;
  const isIgnored = (name: string) =>
    isExtendedResource(name) &&
    (ignoredResources.includes(name) || ignoredResourceGroups.includes(name.split("/")[0] ?? ""));
  const wantedBy = (pod: PodInfo): Wanted => {
    const classes = classesOf(pod, (resource) => devices.classFor(resource));
    return Object.entries(pod.requests)
      .filter(([name, amount]) => amount > 0 && !isIgnored(name))
      .map(([name, amount]) => ({ name, amount, isOfDevices: classes.has(name) }));
  };
  const scorer = scorerOf(scoringStrategy);
  return {
    name: "NodeResourcesFit",
    helpedBy: {
      nodeAdded: (pod, { node }) => refusalOn(allocatableOf(node), wantedBy(pod), {}, 0) === undefined,
      nodeChanged: (pod, { node, before }) => {
        const [is, was] = [allocatableOf(node), allocatableOf(before)];
        const wanted = wantedBy(pod);
        if (refusalOn(is, wanted, {}, 0) !== undefined) return false;
        return (
          ["pods", ...wanted.map(({ name }) => name)].some((name) => (is[name] ?? 0) > (was[name] ?? 0)) ||
          wanted.some((one) => isLeftToDevices(one, is))
        );
      },
      deviceClassChanged: (pod, { name }) => {
        const changed = devices.deviceClass(name);
        return changed !== undefined && classResources(changed).some((one) => (pod.requests[one] ?? 0) > 0);
      },
      podRemoved: (pod, { pod: other }) => frees(pod, other),
      podShrank: (pod, { pod: other }) => frees(pod, other),
    },
    prepareFilter: (pod) => {
      const wanted = wantedBy(pod);
      return {
        filter: (node) => refusalOn(node.allocatable, wanted, node.requested, node.pods.size),
        asks: JSON.stringify(wanted),
      };
    },
    prepareScore: (pod) => {
      const rows = rowsOf(scoringStrategy.resources, pod, pod.assumedRequests);
      return { score: (node) => scoreOf(node, rows, scorer), asks: JSON.stringify([rows, scoringStrategy]) };
    },
  };
};

function scoreOf(node: NodeInfo, rows: readonly Row[], scorer: ResourceScorer): number {
  const { allocatable, requested, assumedRequested } = node;
  let sum = 0;
  let weights = 0;
  for (const { name, weight, more, isAssumed } of rows) {
    const capacity = allocatable[name] ?? 0;
    if (capacity === 0) continue;
    const score = scorer.scoreOf(((isAssumed ? assumedRequested : requested)[name] ?? 0) + more, capacity);
    if (score <= 0 && scorer.skipsZero) continue;
    sum += score * weight;
    weights += weight;
  }
  if (weights === 0) return 0;
  return scorer.skipsZero ? Math.round(sum / weights) : Math.trunc(sum / weights);
}

interface WantedResource {
  readonly name: string;
  readonly amount: number;
  /** A class of devices stands for it: a node that has none of its own may have such devices. */
  readonly isOfDevices: boolean;
}

type Wanted = readonly WantedResource[];

const isLeftToDevices = ({ name, isOfDevices }: WantedResource, has: Amounts): boolean =>
  isOfDevices && (has[name] ?? 0) === 0;

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
  for (const one of wanted) {
    const { name, amount } = one;
    const all = has[name] ?? 0;
    if (isLeftToDevices(one, has)) continue;
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
      const before = new Float64Array(rows.length);
      const after = new Float64Array(rows.length);
      return {
        asks: JSON.stringify(rows),
        score: ({ allocatable, requested }) => {
          let count = 0;
          for (const { name, more } of rows) {
            const capacity = allocatable[name] ?? 0;
            if (capacity === 0) continue;
            const used = requested[name] ?? 0;
            before[count] = Math.min(used / capacity, 1);
            after[count] = Math.min((used + more) / capacity, 1);
            count++;
          }
          return 50 + Math.trunc((50 + balance(after, count) - balance(before, count)) / 2);
        },
      };
    },
  };
};

/** 100 where the first so many shares are the same, less the further they lie apart. */
function balance(shares: Float64Array, count: number): number {
  if (count < 2) return 100;
  if (count === 2)
    return Math.trunc((1 - Math.abs(((shares[0] as number) - (shares[1] as number)) / 2)) * 100);
  let mean = 0;
  for (let at = 0; at < count; at++) mean += (shares[at] as number) / count;
  let squares = 0;
  for (let at = 0; at < count; at++) squares += ((shares[at] as number) - mean) ** 2;
  return Math.trunc((1 - Math.sqrt(squares / count)) * 100);
}
