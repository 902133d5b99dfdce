import type { DaemonSet, Node, Pod } from "../../../client/types.ts";
import { resolve } from "../int-or-percent.ts";
import { isAvailable, isReady } from "../pod-state.ts";
import { timeMs } from "../times.ts";
import { fitOf, nodeOfDaemonPod, revisionLabel } from "./daemon-pod.ts";

export type DaemonStatus = NonNullable<DaemonSet["status"]>;

export interface DaemonPlan {
  /** Nodes that are to get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Pods that ended, with what to say of each; they are among `remove`. */
  readonly ended: readonly Pod[];
}

export interface DaemonObserved {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  /** Of the current template. */
  readonly hash: string;
  readonly nowMs: number;
}

/** Creates and deletes at most so many in one go. */
export const daemonBurst = 250;

/** A pod that ended is replaced no sooner after its creation, lest one that fails at once is made without pause. */
export const endedPodAgeMs = 10_000;

/** What brings the nodes to one pod each, and one step of a rolling update. Pure. */
export function planDaemonSet(observed: DaemonObserved): DaemonPlan {
  const byNode = podsByNode(observed.pods);
  const managed = planPlacement(observed, byNode);
  const { updateStrategy } = observed.daemonSet.spec;
  const rolled = updateStrategy?.type === "OnDelete" ? nothing : planRolling(observed, byNode);
  const remove = new Set([...managed.remove, ...rolled.remove]);
  return {
    create: [...new Set([...managed.create, ...rolled.create])].slice(0, daemonBurst),
    remove: [...remove].slice(0, daemonBurst),
    ended: managed.ended,
  };
}

const nothing: DaemonPlan = { create: [], remove: [], ended: [] };

function podsByNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = nodeOfDaemonPod(pod);
    if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  return byNode;
}

function planPlacement(observed: DaemonObserved, byNode: ReadonlyMap<string, readonly Pod[]>): DaemonPlan {
  const { daemonSet, nodes, hash } = observed;
  const create: string[] = [];
  const remove: Pod[] = [];
  const ended: Pod[] = [];
  const known = new Set<string>();
  for (const node of nodes) {
    const { name } = node.metadata;
    known.add(name);
    const { run, stay } = fitOf(daemonSet, node);
    const here = byNode.get(name) ?? [];
    if (here.length === 0) {
      if (run) create.push(name);
      continue;
    }
    const alive = here.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const over = alive.filter(({ status }) => status?.phase === "Failed" || status?.phase === "Succeeded");
    const running = alive.filter((pod) => !over.includes(pod));
    if (stay) {
      const due = over.filter(
        (pod) => observed.nowMs - timeMs(pod.metadata.creationTimestamp) >= endedPodAgeMs,
      );
      ended.push(...due);
      remove.push(...due, ...doubles(daemonSet, running, hash));
    } else remove.push(...alive);
  }
  // A node that is gone takes its pods along; those never bound would wait for it for ever.
  for (const [node, pods] of byNode)
    if (!known.has(node))
      remove.push(
        ...pods.filter(({ spec, metadata }) => !spec.nodeName && metadata.deletionTimestamp === undefined),
      );
  return { create, remove, ended };
}

/** All but the oldest; with a surge all but the oldest of each version. */
function doubles(daemonSet: DaemonSet, running: readonly Pod[], hash: string): readonly Pod[] {
  const byAge = [...running].sort(older);
  if (maxSurge(daemonSet, 1) === 0) return byAge.slice(1);
  const isNew = (pod: Pod) => pod.metadata.labels?.[revisionLabel] === hash;
  return [...byAge.filter(isNew).slice(1), ...byAge.filter((pod) => !isNew(pod)).slice(1)];
}

/** A bound pod is older than any that is not. */
function older(a: Pod, b: Pod): number {
  const bound = Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName));
  const age = timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp);
  return bound || age || (a.metadata.name < b.metadata.name ? -1 : 1);
}

function maxSurge({ spec }: DaemonSet, wanted: number): number {
  if (spec.updateStrategy?.type === "OnDelete") return 0;
  return resolve(spec.updateStrategy?.rollingUpdate?.maxSurge ?? 0, wanted, "up");
}

function maxUnavailable({ spec }: DaemonSet, wanted: number): number {
  return resolve(spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted, "up");
}

/** The living pods of a node by version; undefined when there are several of one, which is to be mended first. */
function versions(
  pods: readonly Pod[],
  hash: string,
): { readonly fresh: Pod | undefined; readonly stale: Pod | undefined } | undefined {
  const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const fresh = alive.filter(({ metadata }) => metadata.labels?.[revisionLabel] === hash);
  const stale = alive.filter((pod) => !fresh.includes(pod));
  return fresh.length > 1 || stale.length > 1 ? undefined : { fresh: fresh[0], stale: stale[0] };
}

function planRolling(observed: DaemonObserved, byNode: ReadonlyMap<string, readonly Pod[]>): DaemonPlan {
  const { daemonSet, nodes, hash } = observed;
  const wanted = nodes.filter((node) => fitOf(daemonSet, node).run).map(({ metadata }) => metadata.name);
  const rows = wanted.map((node) => ({ node, pair: versions(byNode.get(node) ?? [], hash) }));
  const minReady = daemonSet.spec.minReadySeconds ?? 0;
  const available = (pod: Pod) => isAvailable(pod, minReady, observed.nowMs);
  const surge = maxSurge(daemonSet, wanted.length);
  return surge > 0
    ? surging(rows, surge, available)
    : replacing(rows, maxUnavailable(daemonSet, wanted.length), available);
}

interface Row {
  readonly node: string;
  readonly pair: ReturnType<typeof versions>;
}

/** Old pods that are not available may go at once; others as far as maxUnavailable still lets them. */
function replacing(rows: readonly Row[], most: number, available: (pod: Pod) => boolean): DaemonPlan {
  let unavailable = 0;
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  for (const { pair } of rows) {
    const { fresh, stale } = pair ?? {};
    if (fresh !== undefined && stale === undefined) unavailable += available(fresh) ? 0 : 1;
    else if (stale === undefined || fresh !== undefined) unavailable++;
    else if (available(stale)) candidates.push(stale);
    else {
      broken.push(stale);
      unavailable++;
    }
  }
  return { ...nothing, remove: [...broken, ...candidates.slice(0, Math.max(0, most - unavailable))] };
}

/** New pods come beside old ones, at most so many at once; an old one goes when its successor is available. */
function surging(rows: readonly Row[], most: number, available: (pod: Pod) => boolean): DaemonPlan {
  let surging = 0;
  const broken: string[] = [];
  const candidates: string[] = [];
  const remove: Pod[] = [];
  for (const { node, pair } of rows) {
    const { fresh, stale } = pair ?? {};
    if (pair === undefined) surging++;
    else if (stale === undefined) continue;
    else if (fresh === undefined) (available(stale) ? candidates : broken).push(node);
    else if (available(fresh)) remove.push(stale);
    else surging++;
  }
  return { create: [...broken, ...candidates.slice(0, Math.max(0, most - surging))], remove, ended: [] };
}

/** The numbers that `kubectl rollout status` waits for. Pure. */
export function countDaemonStatus(observed: DaemonObserved): DaemonStatus {
  const { daemonSet, nodes, hash, nowMs } = observed;
  const byNode = podsByNode(observed.pods);
  const minReady = daemonSet.spec.minReadySeconds ?? 0;
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of nodes) {
    const here = byNode.get(node.metadata.name) ?? [];
    if (!fitOf(daemonSet, node).run) {
      if (here.length > 0) count.misscheduled++;
      continue;
    }
    count.desired++;
    const first = [...here].sort(older)[0];
    if (first === undefined) continue;
    count.current++;
    if (here.some(isReady)) count.ready++;
    if (here.some((pod) => isAvailable(pod, minReady, nowMs))) count.available++;
    if (first.metadata.labels?.[revisionLabel] === hash) count.updated++;
  }
  const before = daemonSet.status;
  return {
    ...(before?.conditions !== undefined && { conditions: before.conditions }),
    ...(before?.collisionCount !== undefined && { collisionCount: before.collisionCount }),
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misscheduled,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    observedGeneration: daemonSet.metadata.generation ?? 0,
    ...(count.updated > 0 && { updatedNumberScheduled: count.updated }),
    ...(count.available > 0 && { numberAvailable: count.available }),
    ...(count.desired > count.available && { numberUnavailable: count.desired - count.available }),
  };
}
