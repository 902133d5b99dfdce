import { isDeepStrictEqual } from "node:util";
import type { Node, Taint } from "../../../client/types.ts";
import { conditionOf } from "../conditions.ts";
import { timeText } from "../times.ts";

export type NodeCondition = NonNullable<NonNullable<Node["status"]>["conditions"]>[number];

export type NodeAction =
  | { readonly action: "setConditions"; readonly conditions: readonly NodeCondition[] }
  | { readonly action: "setTaints"; readonly taints: readonly Taint[] }
  /** Its pods serve nobody any more. */
  | { readonly action: "markPodsNotReady" }
  | { readonly action: "recordNotReady" };

export interface NodeObserved {
  /** Nothing was heard of the node for its grace period. */
  readonly silent: boolean;
  /** May its pods be evicted? `yes`: the node was given up; `wait`: not yet, what stands stays; `no`: no node of the
   *  cluster is ready, and nothing is evicted. */
  readonly evict: "yes" | "wait" | "no";
  readonly nowMs: number;
}

const watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] as const;
const prefix = "node.kubernetes.io/";

/** What to write about a node. Pure. */
export function planNode(node: Node, observed: NodeObserved): readonly NodeAction[] {
  const before = node.status?.conditions ?? [];
  const conditions = observed.silent ? unknown(node, observed.nowMs) : before;
  const actions: NodeAction[] = [];
  if (!isDeepStrictEqual(conditions, before)) actions.push({ action: "setConditions", conditions });
  const wasReady = conditionOf(before, "Ready")?.status === "True";
  const ready = conditionOf(conditions, "Ready")?.status === "True";
  if (!ready && before.length > 0) actions.push({ action: "markPodsNotReady" });
  if (wasReady && !ready) actions.push({ action: "recordNotReady" });
  const taints = taintsFor(node, conditions, observed);
  if (!sameTaints(taints, node.spec?.taints ?? [])) actions.push({ action: "setTaints", taints });
  return actions;
}

function unknown(node: Node, nowMs: number): readonly NodeCondition[] {
  const before = node.status?.conditions ?? [];
  const now = timeText(nowMs);
  const others = before.filter(({ type }) => !watched.some((one) => one === type));
  const rows = watched.map((type): NodeCondition => {
    const current = conditionOf(before, type);
    if (current?.status === "Unknown") return current;
    return current === undefined
      ? {
          type,
          status: "Unknown",
          reason: "NodeStatusNeverUpdated",
          message: "Kubelet never posted node status.",
          lastHeartbeatTime: node.metadata.creationTimestamp,
          lastTransitionTime: now,
        }
      : {
          ...current,
          status: "Unknown",
          reason: "NodeStatusUnknown",
          message: "Kubelet stopped posting node status.",
          lastTransitionTime: now,
        };
  });
  // In their old order, so that nothing changes that need not.
  const byType = new Map(rows.map((row) => [row.type, row]));
  const kept = before.map((condition) => byType.get(condition.type) ?? condition);
  return others.length + watched.length === before.length
    ? kept
    : [...kept, ...rows.filter(({ type }) => conditionOf(before, type) === undefined)];
}

/** Taints that follow from conditions; the user's own stay. */
function taintsFor(
  node: Node,
  conditions: readonly NodeCondition[],
  observed: NodeObserved,
): readonly Taint[] {
  const is = (type: string, status: string) => conditionOf(conditions, type)?.status === status;
  const ready = conditionOf(conditions, "Ready")?.status ?? "False";
  const wanted: { key: string; effect: string }[] = [];
  const want = (when: boolean, name: string, effect: string) => {
    if (when) wanted.push({ key: prefix + name, effect });
  };
  want(ready === "False", "not-ready", "NoSchedule");
  want(ready === "Unknown", "unreachable", "NoSchedule");
  want(is("MemoryPressure", "True"), "memory-pressure", "NoSchedule");
  want(is("DiskPressure", "True"), "disk-pressure", "NoSchedule");
  want(is("PIDPressure", "True"), "pid-pressure", "NoSchedule");
  want(is("NetworkUnavailable", "True"), "network-unavailable", "NoSchedule");
  want(node.spec?.unschedulable === true, "unschedulable", "NoSchedule");
  const before = node.spec?.taints ?? [];
  const heard = conditionOf(conditions, "Ready") !== undefined;
  // A node that was given up stays so when it turns from one kind of not ready into the other.
  const evict = observed.evict === "yes" || (observed.evict === "wait" && before.some(evicts));
  want(evict && heard && ready === "False", "not-ready", "NoExecute");
  want(evict && heard && ready === "Unknown", "unreachable", "NoExecute");
  const kept = before.filter((taint) => !isOurs(taint) || wanted.some((one) => same(one, taint)));
  const added = wanted
    .filter((one) => !before.some((taint) => same(one, taint)))
    .map((one): Taint => ({ ...one, timeAdded: timeText(observed.nowMs) }));
  return [...kept, ...added];
}

const ourNames = ["memory-pressure", "disk-pressure", "pid-pressure", "network-unavailable", "unschedulable"];

function isOurs({ key, effect }: Taint): boolean {
  const name = key.startsWith(prefix) ? key.slice(prefix.length) : "";
  if (name === "not-ready" || name === "unreachable") return effect !== "PreferNoSchedule";
  return ourNames.includes(name) && effect === "NoSchedule";
}

function evicts({ key, effect }: Taint): boolean {
  return effect === "NoExecute" && (key === `${prefix}not-ready` || key === `${prefix}unreachable`);
}

const same = (a: { key: string; effect: string }, b: { key: string; effect: string }) =>
  a.key === b.key && a.effect === b.effect;

function sameTaints(a: readonly Taint[], b: readonly Taint[]): boolean {
  return a.length === b.length && a.every((one) => b.some((other) => same(one, other)));
}
