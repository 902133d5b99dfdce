import { type Selector, selectorFromLabelSelector, selectorText } from "../../../base/label-selector.ts";
import { ownField } from "../../../base/own-field.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { type HostPort, hostPortsOf } from "../../../client/rules/host-ports.ts";
import { type Amounts, heldRequests, podRequestsAssumed } from "../../../client/rules/pod-requests.ts";
import type { Pod, PodAffinityTerm } from "../../../client/types.ts";
import { type PodGroup, podGroup } from "./pod-group.ts";

/** A pod with everything that scheduling asks of it worked out once. */
export interface PodInfo {
  readonly pod: Pod;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly schedulerName: string;
  readonly priority: number;
  readonly requests: Amounts;
  readonly assumedRequests: Amounts;
  readonly hostPorts: readonly HostPort[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
  /** The pods that it is placed with or not at all. */
  readonly group: PodGroup | undefined;
  /** Claims that its volumes name, as `namespace/name`. */
  readonly claims: readonly string[];
  /** Of its last start, for which of equals is the more important; undefined: not started. */
  readonly startedAt: string | undefined;
}

/** A term of pod affinity: which pods count, and the node label whose value says what is near. */
export interface AffinityTerm {
  readonly selector: Selector;
  /** Without `namespaceSelector` exactly these; with it, these and those it selects. */
  readonly namespaces: ReadonlySet<string>;
  /** Undefined: none given. An empty one selects all namespaces. */
  readonly namespaceSelector: Selector | undefined;
  readonly topologyKey: string;
  /** The same for terms that ask the same. */
  readonly signature: string;
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
    schedulerName: pod.spec.schedulerName ?? "default-scheduler",
    priority: pod.spec.priority ?? 0,
    requests: heldRequests(pod),
    assumedRequests: podRequestsAssumed(pod.spec),
    hostPorts: hostPortsOf(pod.spec),
    affinity: terms(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: terms(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    group: podGroup(namespace, pod.metadata.labels ?? {}),
    claims: (pod.spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) =>
      persistentVolumeClaim === undefined ? [] : [`${namespace}/${persistentVolumeClaim.claimName}`],
    ),
    startedAt: pod.status?.startTime,
  };
}

function affinityTerm(term: PodAffinityTerm, pod: Pod, namespace: string): AffinityTerm {
  const own = term.namespaces ?? [];
  const alone = own.length === 0 && term.namespaceSelector === undefined;
  const selector = withLabelKeys(selectorFromLabelSelector(term.labelSelector), pod, term);
  const namespaces = new Set(alone ? [namespace] : own);
  const namespaceSelector =
    term.namespaceSelector === undefined ? undefined : selectorFromLabelSelector(term.namespaceSelector);
  const asked = [
    [...namespaces].sort(),
    namespaceSelector === undefined ? null : [selectorText(namespaceSelector)],
    selectorText(selector),
    term.topologyKey,
  ];
  return {
    selector,
    namespaces,
    namespaceSelector,
    topologyKey: term.topologyKey,
    signature: JSON.stringify(asked),
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
      const value = ownField(labels, key);
      if (value !== undefined) narrowed.push({ key, operator, values: [value] });
    }
  }
  return narrowed;
}
