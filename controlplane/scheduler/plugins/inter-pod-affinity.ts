import type { NodeInfo } from "../cycle/node-info.ts";
import { type Plugin, type Prepared, type Refusal, type Snapshot, spanned } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import { matchesAffinityTerm, TopologyCounts } from "./affinity-terms.ts";

const affinityRefusal: Refusal = { reasons: ["node(s) didn't match pod affinity rules"], lasting: true };
const antiAffinityRefusal: Refusal = {
  reasons: ["node(s) didn't match pod anti-affinity rules"],
  lasting: false,
};
const existingRefusal: Refusal = {
  reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"],
  lasting: false,
};

/** How much a required affinity of a pod already placed draws its likes to it. */
const hardAffinityWeight = 1;

/** Pods near pods, and away from pods: what the pod asks, and what pods already placed ask of it. */
export const interPodAffinity: Plugin = {
  name: "InterPodAffinity",
  weight: 2,
  helpedBy: ["nodeAdded", "nodeChanged", "podRemoved", "podPlaced", "namespaceChanged"],
  prepare(pod, snapshot) {
    const filter = prepareFilter(pod, snapshot);
    const attraction = attractionOf(pod, snapshot);
    if (filter === undefined && attraction.empty) return undefined;
    const prepared: Prepared = filter === undefined ? {} : { filter };
    if (attraction.empty) return prepared;
    return { ...prepared, score: (node) => attraction.sumFor(node.labels), normalize: spanned };
  },
};

function prepareFilter(pod: PodInfo, snapshot: Snapshot): Prepared["filter"] {
  const repelling = existingAntiAffinity(pod, snapshot);
  if (repelling.empty && pod.affinity.length === 0 && pod.antiAffinity.length === 0) return undefined;
  const near = new TopologyCounts();
  const away = new TopologyCounts();
  if (pod.affinity.length > 0 || pod.antiAffinity.length > 0) countMatches(pod, snapshot, near, away);
  // The first of a group that wants to be together finds none of its kind: it may go anywhere its labels allow.
  const firstOfItsKind = near.empty && pod.affinity.every((term) => matchesAffinityTerm(term, pod, snapshot));
  return (node) => {
    if (pod.affinity.length > 0 && !isNear(pod, node, near, firstOfItsKind)) return affinityRefusal;
    for (const { topologyKey } of pod.antiAffinity) {
      const value = node.labels[topologyKey];
      if (value !== undefined && away.get(topologyKey, value) > 0) return antiAffinityRefusal;
    }
    return repelling.anyFor(node.labels) ? existingRefusal : undefined;
  };
}

function isNear(pod: PodInfo, node: NodeInfo, near: TopologyCounts, firstOfItsKind: boolean): boolean {
  let all = true;
  for (const { topologyKey } of pod.affinity) {
    const value = node.labels[topologyKey];
    if (value === undefined) return false;
    if (near.get(topologyKey, value) === 0) all = false;
  }
  return all || firstOfItsKind;
}

/** Where pods are that keep this one away. */
function existingAntiAffinity(pod: PodInfo, snapshot: Snapshot): TopologyCounts {
  const counts = new TopologyCounts();
  for (const node of snapshot.nodesWithAntiAffinity) {
    for (const other of node.podsWithAntiAffinity.values()) {
      for (const term of other.antiAffinity) {
        const value = node.labels[term.topologyKey];
        if (value !== undefined && matchesAffinityTerm(term, pod, snapshot))
          counts.add(term.topologyKey, value, 1);
      }
    }
  }
  return counts;
}

/** Where pods are that this one wants near or away. A pod counts as near only if it matches all terms. */
function countMatches(pod: PodInfo, snapshot: Snapshot, near: TopologyCounts, away: TopologyCounts): void {
  for (const node of snapshot.nodes) {
    for (const other of node.pods.values()) {
      if (pod.affinity.length > 0 && pod.affinity.every((term) => matchesAffinityTerm(term, other, snapshot)))
        for (const { topologyKey } of pod.affinity) addAt(near, node, topologyKey, 1);
      for (const term of pod.antiAffinity)
        if (matchesAffinityTerm(term, other, snapshot)) addAt(away, node, term.topologyKey, 1);
    }
  }
}

/** The preferences of this pod and, for it, of those already placed. */
function attractionOf(pod: PodInfo, snapshot: Snapshot): TopologyCounts {
  const counts = new TopologyCounts();
  const own = pod.preferredAffinity.length > 0 || pod.preferredAntiAffinity.length > 0;
  for (const node of own ? snapshot.nodes : snapshot.nodesWithAffinity) {
    for (const other of (own ? node.pods : node.podsWithAffinity).values()) {
      for (const { weight, term } of pod.preferredAffinity)
        if (matchesAffinityTerm(term, other, snapshot)) addAt(counts, node, term.topologyKey, weight);
      for (const { weight, term } of pod.preferredAntiAffinity)
        if (matchesAffinityTerm(term, other, snapshot)) addAt(counts, node, term.topologyKey, -weight);
      for (const term of other.affinity)
        if (matchesAffinityTerm(term, pod, snapshot))
          addAt(counts, node, term.topologyKey, hardAffinityWeight);
      for (const { weight, term } of other.preferredAffinity)
        if (matchesAffinityTerm(term, pod, snapshot)) addAt(counts, node, term.topologyKey, weight);
      for (const { weight, term } of other.preferredAntiAffinity)
        if (matchesAffinityTerm(term, pod, snapshot)) addAt(counts, node, term.topologyKey, -weight);
    }
  }
  return counts;
}

function addAt(counts: TopologyCounts, node: NodeInfo, key: string, amount: number): void {
  const value = node.labels[key];
  if (value !== undefined) counts.add(key, value, amount);
}
