import {
  matchesLabels,
  type Selector,
  selectorFromLabelSelector,
  selectorFromLabels,
} from "../../../base/label-selector.ts";
import { requiredNodes } from "../../../client/rules/node-selector.ts";
import { tolerated } from "../../../client/rules/tolerations.ts";
import type { TopologySpreadConstraint } from "../../../client/types.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { Plugin, Prepared, Refusal, Snapshot } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";

const skewRefusal: Refusal = {
  reasons: ["node(s) didn't match pod topology spread constraints"],
  lasting: false,
};
const labelRefusal: Refusal = {
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  lasting: true,
};

const hostname = "kubernetes.io/hostname";
const zone = "topology.kubernetes.io/zone";

/** Topology spread constraints; pods without any spread with those of their owner or service over hosts and zones. */
export const topologySpread: Plugin = {
  name: "PodTopologySpread",
  weight: 2,
  helpedBy: ["nodeAdded", "nodeChanged", "podRemoved", "podPlaced"],
  prepare(pod, snapshot) {
    const given = pod.pod.spec.topologySpreadConstraints ?? [];
    if (given.length === 0) return prepareDefault(pod, snapshot);
    const hard = given.filter(({ whenUnsatisfiable }) => whenUnsatisfiable !== "ScheduleAnyway");
    const soft = given.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "ScheduleAnyway");
    const prepared: Prepared =
      hard.length === 0
        ? {}
        : {
            filter: hardFilter(
              pod,
              snapshot,
              hard.map((one) => spreadOf(one, pod)),
            ),
          };
    if (soft.length === 0) return prepared;
    const keys = soft.map(keyOfConstraint);
    const rows = soft.map((one): ScoreRow => {
      const { spread, pods } = count(spreadOf(one, pod), pod, snapshot, keys);
      return { key: spread.key, maxSkew: spread.maxSkew, pods, domains: pods.size };
    });
    return { ...prepared, ...softScore(rows) };
  },
};

/** A constraint with its selector worked out. */
interface Spread {
  readonly key: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

interface Counted {
  readonly spread: Spread;
  /** Matching pods by domain, a value of the label; domains without any are there with 0. */
  readonly pods: ReadonlyMap<string, number>;
}

const keyOfConstraint = ({ topologyKey }: TopologySpreadConstraint) => topologyKey;

function spreadOf(constraint: TopologySpreadConstraint, pod: PodInfo): Spread {
  const given = selectorFromLabelSelector(constraint.labelSelector);
  const narrowed = (constraint.matchLabelKeys ?? []).flatMap((key) => {
    const value = pod.labels[key];
    return value === undefined ? [] : [{ key, operator: "in" as const, values: [value] }];
  });
  return {
    key: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    selector: given === null ? null : [...given, ...narrowed],
    honorAffinity: (constraint.nodeAffinityPolicy ?? "Honor") === "Honor",
    honorTaints: constraint.nodeTaintsPolicy === "Honor",
  };
}

/** Counts over the nodes that the pod could be on and that have all the labels of its constraints. */
function count(spread: Spread, pod: PodInfo, snapshot: Snapshot, keys: readonly string[]): Counted {
  const pods = new Map<string, number>();
  const allowed = requiredNodes(pod.pod.spec);
  const tolerations = pod.pod.spec.tolerations ?? [];
  for (const node of snapshot.nodes) {
    const domain = node.labels[spread.key];
    if (domain === undefined || keys.some((key) => node.labels[key] === undefined)) continue;
    if (spread.honorAffinity && allowed !== undefined && !allowed(node)) continue;
    const repels =
      spread.honorTaints &&
      node.taints.some((taint) => taint.effect !== "PreferNoSchedule" && !tolerated(taint, tolerations));
    if (repels) continue;
    pods.set(domain, (pods.get(domain) ?? 0) + matching(node, pod, spread.selector));
  }
  return { spread, pods };
}

function matching(node: NodeInfo, pod: PodInfo, selector: Selector): number {
  let count = 0;
  for (const other of node.pods.values()) {
    const counts = other.namespace === pod.namespace && other.pod.metadata.deletionTimestamp === undefined;
    if (counts && matchesLabels(selector, other.labels)) count++;
  }
  return count;
}

function hardFilter(
  pod: PodInfo,
  snapshot: Snapshot,
  spreads: readonly Spread[],
): NonNullable<Prepared["filter"]> {
  const keys = spreads.map(({ key }) => key);
  const rows = spreads.map((spread) => {
    const counted = count(spread, pod, snapshot, keys);
    const least = counted.pods.size < spread.minDomains ? 0 : Math.min(...counted.pods.values());
    return { ...counted, least, self: matchesLabels(spread.selector, pod.labels) ? 1 : 0 };
  });
  return (node) => {
    for (const { spread, pods, least, self } of rows) {
      const domain = node.labels[spread.key];
      if (domain === undefined) return labelRefusal;
      if ((pods.get(domain) ?? 0) + self - least > spread.maxSkew) return skewRefusal;
    }
    return undefined;
  };
}

/** What scoring needs of a constraint. */
interface ScoreRow {
  readonly key: string;
  readonly maxSkew: number;
  /** Matching pods by domain; a domain that is not there has none. */
  readonly pods: ReadonlyMap<string, number>;
  readonly domains: number;
}

/** Fewer pods in the node's domains is better; a constraint over many domains weighs more. */
function softScore(rows: readonly ScoreRow[]): Prepared {
  const weighed = rows.map((row) => ({ ...row, weight: Math.log(row.domains + 2) }));
  return {
    score: (node) => {
      let sum = 0;
      for (const { key, maxSkew, pods, weight } of weighed) {
        const domain = node.labels[key];
        if (domain !== undefined) sum += (pods.get(domain) ?? 0) * weight + (maxSkew - 1);
      }
      return sum;
    },
    normalize: fewestBest,
  };
}

/** 100 for the lowest, and less in proportion: (most + least - score) / most. */
function fewestBest(scores: readonly number[]): readonly number[] {
  const most = Math.max(...scores);
  const least = Math.min(...scores);
  return scores.map((score) => (most === 0 ? 100 : (100 * (most + least - score)) / most));
}

/** As Kubernetes' defaults: hosts with a skew of 5, zones with 3, only as a preference. */
function prepareDefault(pod: PodInfo, snapshot: Snapshot): Prepared | undefined {
  const siblings = siblingsByNode(pod, snapshot);
  if (siblings === undefined || siblings.size === 0) return undefined;
  const rows = [
    { key: hostname, maxSkew: 5 },
    { key: zone, maxSkew: 3 },
  ].map(({ key, maxSkew }): ScoreRow => {
    // Only nodes with siblings are walked: in a large cluster they are few.
    const pods = new Map<string, number>();
    for (const [name, amount] of siblings) {
      const domain = snapshot.node(name)?.labels[key];
      if (domain !== undefined) pods.set(domain, (pods.get(domain) ?? 0) + amount);
    }
    return { key, maxSkew, pods, domains: snapshot.domainCount(key) };
  });
  return softScore(rows);
}

/** Where the pods of the same owner are or, for pods of nobody, those of the services that select the pod. */
function siblingsByNode(pod: PodInfo, snapshot: Snapshot): ReadonlyMap<string, number> | undefined {
  if (pod.controllerUid !== undefined) return snapshot.podsOfController(pod.controllerUid);
  const selectors = snapshot
    .services(pod.namespace)
    .filter(({ spec }) => Object.keys(spec.selector ?? {}).length > 0)
    .map(({ spec }) => selectorFromLabels(spec.selector ?? {}))
    .filter((selector) => matchesLabels(selector, pod.labels));
  if (selectors.length === 0) return undefined;
  const counts = new Map<string, number>();
  for (const node of snapshot.nodes) {
    const amount = matching(
      node,
      pod,
      selectors.flatMap((selector) => selector ?? []),
    );
    if (amount > 0) counts.set(node.name, amount);
  }
  return counts;
}
