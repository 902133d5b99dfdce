import { type Selector, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { type HostPort, hostPortsOf } from "../../../client/rules/host-ports.ts";
import { type Amounts, heldRequests, podRequestsAssumed } from "../../../client/rules/pod-requests.ts";
import type { Pod, PodAffinityTerm } from "../../../client/types.ts";

/** A pod with everything that scheduling asks of it worked out once. */
export interface PodInfo {
  readonly pod: Pod;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly requests: Amounts;
  readonly assumedRequests: Amounts;
  readonly hostPorts: readonly HostPort[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
  /** uid of the controlling owner. */
  readonly controllerUid: string | undefined;
}

/** A term of pod affinity: which pods count, and the node label whose value says what is near. */
export interface AffinityTerm {
  readonly selector: Selector;
  /** Without `namespaceSelector` exactly these; with it, these and those it selects. */
  readonly namespaces: ReadonlySet<string>;
  /** Undefined: none given. An empty one selects all namespaces. */
  readonly namespaceSelector: Selector | undefined;
  readonly topologyKey: string;
}

export interface WeightedTerm {
  readonly weight: number;
  readonly term: AffinityTerm;
}

export function podInfo(pod: Pod): PodInfo {
  const namespace = pod.metadata.namespace ?? "default";
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const terms = (list: readonly PodAffinityTerm[] | undefined) =>
    (list ?? []).map((term) => affinityTerm(term, pod, namespace));
  const weighted = (list: readonly { weight: number; podAffinityTerm: PodAffinityTerm }[] | undefined) =>
    (list ?? []).map(({ weight, podAffinityTerm }) => ({
      weight,
      term: affinityTerm(podAffinityTerm, pod, namespace),
    }));
  return {
    pod,
    key: keyOf(pod),
    namespace,
    labels: pod.metadata.labels ?? {},
    priority: pod.spec.priority ?? 0,
    requests: heldRequests(pod),
    assumedRequests: podRequestsAssumed(pod.spec),
    hostPorts: hostPortsOf(pod.spec),
    affinity: terms(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: terms(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    controllerUid: pod.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid,
  };
}

function affinityTerm(term: PodAffinityTerm, pod: Pod, namespace: string): AffinityTerm {
  const own = term.namespaces ?? [];
  const alone = own.length === 0 && term.namespaceSelector === undefined;
  return {
    selector: withLabelKeys(selectorFromLabelSelector(term.labelSelector), pod, term),
    namespaces: new Set(alone ? [namespace] : own),
    namespaceSelector:
      term.namespaceSelector === undefined ? undefined : selectorFromLabelSelector(term.namespaceSelector),
    topologyKey: term.topologyKey,
  };
}

/** matchLabelKeys narrow the selector to pods with the same (or, mismatchLabelKeys, another) value as the pod's own. */
function withLabelKeys(
  selector: Selector,
  pod: Pod,
  term: { readonly matchLabelKeys?: readonly string[]; readonly mismatchLabelKeys?: readonly string[] },
): Selector {
  if (selector === null) return null;
  const labels = pod.metadata.labels ?? {};
  const narrowed = [...selector];
  for (const [keys, operator] of [
    [term.matchLabelKeys, "in"],
    [term.mismatchLabelKeys, "notin"],
  ] as const) {
    for (const key of keys ?? []) {
      const value = labels[key];
      if (value !== undefined) narrowed.push({ key, operator, values: [value] });
    }
  }
  return narrowed;
}
