import {
  matchesLabels,
  type Selector,
  selectorFromLabelSelector,
  selectorText,
} from "../../../base/label-selector.ts";
import { ownField } from "../../../base/own-field.ts";
import { requiredNodes } from "../../../client/rules/node-selector.ts";
import { tolerated } from "../../../client/rules/tolerations.ts";
import type { TopologySpreadConstraint } from "../../../client/types.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import type { Snapshot } from "../cycle/snapshot.ts";
import type { Counting } from "../cycle/topology-table.ts";

export interface PodTopologySpreadArgs {
  readonly defaultConstraints: readonly TopologySpreadConstraint[];
  readonly defaultingType: "System" | "List";
}

/** A constraint with its selector worked out. */
export interface Spread {
  readonly key: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

type Action = "DoNotSchedule" | "ScheduleAnyway";

/** For pods without constraints of their own: hosts with a skew of 3, zones with 5, only as a wish. */
const systemConstraints: readonly TopologySpreadConstraint[] = [
  { topologyKey: "kubernetes.io/hostname", maxSkew: 3, whenUnsatisfiable: "ScheduleAnyway" },
  { topologyKey: "topology.kubernetes.io/zone", maxSkew: 5, whenUnsatisfiable: "ScheduleAnyway" },
];

/** The constraints that hold for a pod, and whether nodes must have all their labels to count. */
export function spreadsOf(
  pod: PodInfo,
  snapshot: Pick<Snapshot, "siblings">,
  { defaultConstraints, defaultingType }: PodTopologySpreadArgs,
  action: Action,
): { readonly spreads: readonly Spread[]; readonly needsAllKeys: boolean } {
  const own = pod.pod.spec.topologySpreadConstraints ?? [];
  const isAbout = ({ whenUnsatisfiable }: TopologySpreadConstraint) =>
    (whenUnsatisfiable === "ScheduleAnyway") === (action === "ScheduleAnyway");
  if (own.length > 0)
    return {
      spreads: own
        .filter(isAbout)
        .map((one) => spreadOf(one, pod, selectorFromLabelSelector(one.labelSelector))),
      needsAllKeys: true,
    };
  const needsAllKeys = defaultingType !== "System";
  const defaults = (needsAllKeys ? defaultConstraints : systemConstraints).filter(isAbout);
  const siblings = defaults.length === 0 ? undefined : snapshot.siblings(pod);
  if (siblings === undefined) return { spreads: [], needsAllKeys };
  return { spreads: defaults.map((one) => spreadOf(one, pod, siblings)), needsAllKeys };
}

function spreadOf(constraint: TopologySpreadConstraint, pod: PodInfo, given: Selector): Spread {
  const narrowed = (constraint.matchLabelKeys ?? []).flatMap((key) => {
    const value = ownField(pod.labels, key);
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

/** Counts over the nodes that the pod could be on, as far as the constraint cares, and that have all these labels. A
 *  selector without requirements counts nothing, and neither do pods that are about to go. */
export function spreadCounting(spread: Spread, pod: PodInfo, keys: readonly string[]): Counting {
  const { spec } = pod.pod;
  const { key, selector, honorAffinity, honorTaints } = spread;
  const allowed = honorAffinity ? requiredNodes(spec) : undefined;
  const tolerations = spec.tolerations ?? [];
  const isAny = selector !== null && selector.length === 0;
  const others = keys.filter((one) => one !== key).sort();
  const signature = [
    "spread",
    pod.namespace,
    selectorText(selector),
    key,
    others,
    allowed && [
      spec.nodeSelector,
      spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
    ],
    honorTaints && tolerations,
  ];
  const covers = ({ name, labels, taints }: NodeInfo): boolean => {
    if (others.some((one) => labels[one] === undefined)) return false;
    if (allowed !== undefined && !allowed({ name, labels })) return false;
    return (
      !honorTaints ||
      !taints.some((taint) => taint.effect !== "PreferNoSchedule" && !tolerated(taint, tolerations))
    );
  };
  const coversAll = others.length === 0 && allowed === undefined && !honorTaints;
  return {
    signature: JSON.stringify(signature),
    topologyKey: key,
    namespaces: new Set([pod.namespace]),
    matches: (other) =>
      !isAny && other.pod.metadata.deletionTimestamp === undefined && matchesLabels(selector, other.labels),
    covers: coversAll ? undefined : covers,
    asksNamespaces: false,
  };
}
