import { matchesLabels } from "../../../base/label-selector.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { PreparedFilter, PreparedScore, Refusal } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import type { Snapshot } from "../cycle/snapshot.ts";
import { eachNode } from "../cycle/topology-table.ts";
import { TriedTable } from "./affinity-terms.ts";
import { type PodTopologySpreadArgs, type Spread, spreadCounting, spreadsOf } from "./spread-constraints.ts";

const skewRefusal: Refusal = {
  reasons: ["node(s) didn't match pod topology spread constraints"],
  lasting: false,
};
const labelRefusal: Refusal = {
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  lasting: true,
};

const hostname = "kubernetes.io/hostname";

/** Topology spread constraints; pods without any spread with those of their owner or service over hosts and zones. */
export const topologySpread: PluginFactory = (given, handle) => {
  const args = given as PodTopologySpreadArgs;
  const spreads = (pod: PodInfo) => [
    ...spreadsOf(pod, handle.snapshot, args, "DoNotSchedule").spreads,
    ...spreadsOf(pod, handle.snapshot, args, "ScheduleAnyway").spreads,
  ];
  const concerns = (pod: PodInfo, other: PodInfo) =>
    pod.namespace === other.namespace &&
    spreads(pod).some(({ selector }) => matchesLabels(selector, other.labels));
  const isOver = (pod: PodInfo, labels: Readonly<Record<string, string>> = {}) =>
    spreads(pod).every(({ key }) => Object.hasOwn(labels, key));
  return {
    name: "PodTopologySpread",
    helpedBy: {
      nodeAdded: (pod, { node }) => isOver(pod, node.metadata.labels),
      nodeChanged: (pod, { node, before }) => {
        const [is, was] = [isOver(pod, node.metadata.labels), isOver(pod, before.metadata.labels)];
        const moved = spreads(pod).some(
          ({ key }) => node.metadata.labels?.[key] !== before.metadata.labels?.[key],
        );
        return is !== was || (is && (moved || node.spec?.taints !== before.spec?.taints));
      },
      podRemoved: (pod, { pod: other }) => concerns(pod, other),
      podPlaced: (pod, { pod: other }) => concerns(pod, other),
      podRelabelled: (pod, { pod: other, before }) => concerns(pod, other) !== concerns(pod, before),
    },
    prepareFilter: (pod, snapshot) => prepareFilter(pod, snapshot, args),
    prepareScore: (pod, snapshot, feasible) => prepareScore(pod, snapshot, feasible, args),
  };
};

function prepareFilter(
  pod: PodInfo,
  snapshot: Snapshot,
  args: PodTopologySpreadArgs,
): PreparedFilter | undefined {
  const { spreads } = spreadsOf(pod, snapshot, args, "DoNotSchedule");
  if (spreads.length === 0) return undefined;
  const keys = spreads.map(({ key }) => key);
  const rows = spreads.map((spread) => ({
    spread,
    pods: new TriedTable(snapshot.table(spreadCounting(spread, pod, keys))),
    self: matchesLabels(spread.selector, pod.labels) ? 1 : 0,
  }));
  // What is least changes only when something is tried.
  let leasts: readonly number[] | undefined;
  const leastOf = () =>
    rows.map(({ spread, pods }) => (pods.table.size < spread.minDomains ? 0 : pods.least()));
  const place = (other: PodInfo, node: NodeInfo, by: 1 | -1) => {
    leasts = undefined;
    for (const { pods } of rows) pods.place(other, node, by);
  };
  return {
    filter: ({ labels }) => {
      leasts ??= leastOf();
      for (const [at, { spread, pods, self }] of rows.entries()) {
        const domain = labels[spread.key];
        if (domain === undefined) return labelRefusal;
        if (pods.pods(domain) + self - (leasts[at] ?? 0) > spread.maxSkew) return skewRefusal;
      }
      return undefined;
    },
    add: (other, node) => place(other, node, 1),
    remove: (other, node) => place(other, node, -1),
  };
}

/** What scoring needs of a constraint. */
interface ScoreRow {
  readonly spread: Spread;
  readonly podsOn: (node: NodeInfo, domain: string) => number;
  /** A constraint over many domains weighs more. */
  readonly weight: number;
}

/** Fewer pods in the node's domains is better. */
function prepareScore(
  pod: PodInfo,
  snapshot: Snapshot,
  feasible: readonly NodeInfo[],
  args: PodTopologySpreadArgs,
): PreparedScore | undefined {
  const { spreads, needsAllKeys } = spreadsOf(pod, snapshot, args, "ScheduleAnyway");
  if (spreads.length === 0) return undefined;
  const keys = spreads.map(({ key }) => key);
  const hasAll = ({ labels }: NodeInfo) => !needsAllKeys || keys.every((key) => labels[key] !== undefined);
  const counted = feasible.filter(hasAll);
  const rows = spreads.map((spread): ScoreRow => {
    if (spread.key === hostname) {
      const table = snapshot.table(perNode(spread, pod));
      return { spread, podsOn: ({ name }) => table.pods(name), weight: Math.log(counted.length + 2) };
    }
    const table = snapshot.table(spreadCounting(spread, pod, needsAllKeys ? keys : []));
    const domains = new Set<string>();
    for (const { labels } of counted) domains.add(labels[spread.key] ?? "");
    return { spread, podsOn: (_, domain) => table.pods(domain), weight: Math.log(domains.size + 2) };
  });
  return {
    score: (node) => {
      if (!hasAll(node)) return Number.NaN;
      let sum = 0;
      for (const { spread, podsOn, weight } of rows) {
        const domain = node.labels[spread.key];
        if (domain !== undefined) sum += podsOn(node, domain) * weight + (spread.maxSkew - 1);
      }
      return Math.round(sum);
    },
    normalize: fewestBest,
  };
}

/** The pods of each node by themselves, whichever nodes count otherwise. */
const perNode = (spread: Spread, pod: PodInfo) => ({
  ...spreadCounting({ ...spread, key: eachNode, honorAffinity: false, honorTaints: false }, pod, []),
});

/** 100 for the lowest, and less in proportion; 0 for nodes that lack a label. */
function fewestBest(scores: readonly number[]): readonly number[] {
  let most = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const score of scores) {
    if (score > most) most = score;
    if (score < least) least = score;
  }
  return scores.map((score) => {
    if (Number.isNaN(score)) return 0;
    return most === 0 ? 100 : Math.trunc((100 * (most + least - score)) / most);
  });
}
