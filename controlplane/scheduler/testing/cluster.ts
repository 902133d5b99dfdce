import { matchesLabels } from "../../../base/label-selector.ts";
import type { Meta, Node, Pod, PodDisruptionBudget } from "../../../client/types.ts";
import { SchedulerCache } from "../cache.ts";
import { noStorage } from "../storage/storage.ts";

export const hostKey = "kubernetes.io/hostname";
export const zoneKey = "topology.kubernetes.io/zone";

const meta = (name: string, more: Partial<Meta> = {}): Meta => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...more,
});

export interface PodSketch {
  readonly labels?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly cpu?: string;
  readonly startedAt?: string;
  readonly namespace?: string;
  readonly spec?: Partial<Pod["spec"]>;
}

/** A pod that asks for CPU. */
export function sketchPod(name: string, sketch: PodSketch = {}): Pod {
  const { labels = {}, priority = 0, cpu = "100m", startedAt, namespace = "n", spec = {} } = sketch;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: meta(name, { namespace, labels: { ...labels } }),
    spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }], priority, ...spec },
    ...(startedAt !== undefined && { status: { startTime: startedAt } }),
  };
}

/** A node with CPU and room for 110 pods. */
export function sketchNode(
  name: string,
  { cpu = "4", zone, spec = {} }: { cpu?: string; zone?: string; spec?: Node["spec"] } = {},
): Node {
  const labels = { [hostKey]: name, ...(zone !== undefined && { [zoneKey]: zone }) };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: meta(name, { labels }),
    spec,
    status: { allocatable: { cpu, memory: "8Gi", pods: "110" } },
  };
}

export function sketchBudget(
  name: string,
  matchLabels: Record<string, string>,
  disruptionsAllowed: number,
): PodDisruptionBudget {
  const counts = { currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptionsAllowed };
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: meta(name, { namespace: "n" }),
    spec: { selector: { matchLabels } },
    status: counts,
  };
}

/** A cache of these nodes with these pods on them. */
export function sketchCache(
  nodes: readonly Node[],
  placed: Readonly<Record<string, readonly Pod[]>> = {},
): SchedulerCache {
  const cache = new SchedulerCache({
    namespaceLabels: () => ({}),
    siblings: () => undefined,
    storage: noStorage,
  });
  for (const node of nodes) cache.putNode(node);
  for (const [nodeName, pods] of Object.entries(placed))
    for (const pod of pods) cache.putPod({ ...pod, spec: { ...pod.spec, nodeName } });
  return cache;
}

/** Whether a budget speaks of the pod. */
export const isOfBudget = (pod: Pod, { spec }: PodDisruptionBudget): boolean =>
  matchesLabels(
    Object.entries(spec.selector?.matchLabels ?? {}).map(([key, value]) => ({
      key,
      operator: "=" as const,
      values: [value],
    })),
    pod.metadata.labels,
  );
