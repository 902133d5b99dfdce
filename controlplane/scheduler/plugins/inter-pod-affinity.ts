import type { Hints } from "../cycle/cluster-event.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import { spanned } from "../cycle/normalize.ts";
import type { PreparedFilter, PreparedScore, Refusal } from "../cycle/plugin.ts";
import type { AffinityTerm, PodInfo } from "../cycle/pod-info.ts";
import type { Snapshot } from "../cycle/snapshot.ts";
import type { TermGroup } from "../cycle/term-index.ts";
import { countingOf, matchesAffinityTerm, TriedTable } from "./affinity-terms.ts";

const affinityRefusal: Refusal = { reasons: ["node(s) didn't match pod affinity rules"], lasting: true };
const antiAffinityRefusal: Refusal = {
  reasons: ["node(s) didn't match pod anti-affinity rules"],
  lasting: false,
};
const existingRefusal: Refusal = {
  reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"],
  lasting: false,
};

export interface InterPodAffinityArgs {
  /** How much a required affinity of a pod already placed draws its likes to it. */
  readonly hardPodAffinityWeight: number;
  /** Pods without preferences of their own do not care for those of others. */
  readonly ignorePreferredTermsOfExistingPods: boolean;
}

/** Pods near pods, and away from pods: what the pod asks, and what pods already placed ask of it. */
export const interPodAffinity: PluginFactory = (given, handle) => {
  const args = given as InterPodAffinityArgs;
  return {
    name: "InterPodAffinity",
    helpedBy: hintsOver(handle.snapshot),
    prepareFilter,
    prepareScore: (pod, snapshot) => prepareScore(pod, snapshot, args),
  };
};

function hintsOver(snapshot: Pick<Snapshot, "namespaceLabels">): Hints {
  const any = (terms: readonly AffinityTerm[], pod: PodInfo) =>
    terms.some((term) => matchesAffinityTerm(term, pod, snapshot));
  const repel = (pod: PodInfo, other: PodInfo) =>
    any(pod.antiAffinity, other) || any(other.antiAffinity, pod);
  const wants = (pod: PodInfo, labels: Readonly<Record<string, string>>) =>
    pod.affinity.every(({ topologyKey }) => Object.hasOwn(labels, topologyKey));
  return {
    nodeAdded: (pod, { node }) => wants(pod, node.metadata.labels ?? {}),
    nodeChanged: (pod, { node, before }) =>
      wants(pod, node.metadata.labels ?? {}) &&
      [...pod.affinity, ...pod.antiAffinity].some(
        ({ topologyKey }) => node.metadata.labels?.[topologyKey] !== before.metadata.labels?.[topologyKey],
      ),
    podRemoved: (pod, { pod: other }) => repel(pod, other),
    podPlaced: (pod, { pod: other }) => any(pod.affinity, other),
    podRelabelled: (pod, { pod: other, before }) =>
      any(pod.affinity, other) || repel(pod, before) || repel(pod, other),
    namespaceChanged: (pod) =>
      [...pod.affinity, ...pod.antiAffinity].some(({ namespaceSelector }) => namespaceSelector !== undefined),
  };
}

function prepareFilter(pod: PodInfo, snapshot: Snapshot): PreparedFilter | undefined {
  const repelling = matchingGroups(snapshot.terms.antiAffinity, pod, snapshot);
  const near = pod.affinity.map(({ topologyKey }) => ({
    topologyKey,
    pods: new TriedTable(snapshot.table(countingOf(pod.affinity, topologyKey, snapshot))),
  }));
  const away = pod.antiAffinity.map((term) => ({
    topologyKey: term.topologyKey,
    pods: new TriedTable(snapshot.table(countingOf([term], term.topologyKey, snapshot))),
  }));
  const isOneOfItsKind = pod.affinity.every((term) => matchesAffinityTerm(term, pod, snapshot));
  const tried = new Map<string, Map<string, number>>();
  const place = (other: PodInfo, node: NodeInfo, by: 1 | -1) => {
    for (const { pods } of [...near, ...away]) pods.place(other, node, by);
    for (const term of other.antiAffinity) {
      const value = node.labels[term.topologyKey];
      if (value === undefined || !matchesAffinityTerm(term, pod, snapshot)) continue;
      const changes = tried.get(term.topologyKey) ?? new Map<string, number>();
      tried.set(term.topologyKey, changes);
      changes.set(value, (changes.get(value) ?? 0) + by);
    }
  };
  if (near.length + away.length + repelling.length === 0 && !snapshot.nominatedRepel) return undefined;
  return {
    filter: (node) => {
      if (near.length > 0 && !isNear(node, near, isOneOfItsKind)) return affinityRefusal;
      for (const { topologyKey, pods } of away) {
        const value = node.labels[topologyKey];
        if (value !== undefined && pods.pods(value) > 0) return antiAffinityRefusal;
      }
      return repels(node, repelling, tried) ? existingRefusal : undefined;
    },
    add: (other, node) => place(other, node, 1),
    remove: (other, node) => place(other, node, -1),
  };
}

interface Near {
  readonly topologyKey: string;
  readonly pods: TriedTable;
}

/** The first of a group that wants to be together finds none of its kind: it may go anywhere its labels allow. */
function isNear(node: NodeInfo, near: readonly Near[], isOneOfItsKind: boolean): boolean {
  let all = true;
  let none = true;
  for (const { topologyKey, pods } of near) {
    const value = node.labels[topologyKey];
    if (value === undefined) return false;
    if (pods.pods(value) <= 0) all = false;
    if (pods.total > 0) none = false;
  }
  return all || (none && isOneOfItsKind);
}

/** Whether pods in one of the node's topologies keep this one away. */
function repels(
  node: NodeInfo,
  groups: readonly TermGroup[],
  tried: ReadonlyMap<string, ReadonlyMap<string, number>>,
): boolean {
  if (tried.size === 0) {
    for (const { term, weights } of groups) {
      const value = node.labels[term.topologyKey];
      if (value !== undefined && weights.has(value)) return true;
    }
    return false;
  }
  const keys = new Set([...groups.map(({ term }) => term.topologyKey), ...tried.keys()]);
  for (const key of keys) {
    const value = node.labels[key];
    if (value === undefined) continue;
    let pods = tried.get(key)?.get(value) ?? 0;
    for (const { term, weights } of groups) if (term.topologyKey === key) pods += weights.get(value) ?? 0;
    if (pods > 0) return true;
  }
  return false;
}

function matchingGroups(
  groups: Iterable<TermGroup>,
  pod: PodInfo,
  snapshot: Pick<Snapshot, "namespaceLabels">,
): TermGroup[] {
  const matching: TermGroup[] = [];
  for (const group of groups) if (matchesAffinityTerm(group.term, pod, snapshot)) matching.push(group);
  return matching;
}

/** The preferences of this pod and, for it, of those already placed. */
function prepareScore(
  pod: PodInfo,
  snapshot: Snapshot,
  { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods }: InterPodAffinityArgs,
): PreparedScore | undefined {
  const own = [
    ...pod.preferredAffinity,
    ...pod.preferredAntiAffinity.map(({ term, weight }) => ({ term, weight: -weight })),
  ];
  if (own.length === 0 && ignorePreferredTermsOfExistingPods) return undefined;
  const wishes = own.map(({ term, weight }) => ({
    key: term.topologyKey,
    weight,
    pods: snapshot.table(countingOf([term], term.topologyKey, snapshot)),
  }));
  const drawn = matchingGroups(snapshot.terms.preferred, pod, snapshot).map((group) => ({
    group,
    factor: 1,
  }));
  if (hardPodAffinityWeight > 0)
    for (const group of matchingGroups(snapshot.terms.affinity, pod, snapshot))
      drawn.push({ group, factor: hardPodAffinityWeight });
  if (drawn.length === 0 && wishes.every(({ pods }) => pods.total === 0)) return undefined;
  return {
    score: ({ labels }) => {
      let sum = 0;
      for (const { key, weight, pods } of wishes) {
        const value = labels[key];
        if (value !== undefined) sum += weight * pods.pods(value);
      }
      for (const { group, factor } of drawn) {
        const value = labels[group.term.topologyKey];
        if (value !== undefined) sum += factor * (group.weights.get(value) ?? 0);
      }
      return sum;
    },
    normalize: spanned,
  };
}
