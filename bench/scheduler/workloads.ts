import type { Draft, Node, Pod, PodSpec } from "../../client/types.ts";

/** The workloads of Kubernetes' scheduler_perf: what stands before, and what is measured. Pure. */
export interface Workload {
  readonly name: string;
  /** How many pods are placed before the measured ones. */
  readonly before?: { readonly pods: number; readonly make: MakePod };
  readonly make: MakePod;
  /** Scheduled pods per second that are wanted at the least. */
  readonly target?: number;
  /** CPU of a node; 4 where nothing is said. */
  readonly nodeCpu?: string;
  /** While it runs, nodes and pods come and go. */
  readonly churns?: true;
}

export type MakePod = (at: number) => Draft<Pod>;

const hostKey = "kubernetes.io/hostname";
const zoneKey = "topology.kubernetes.io/zone";
const zones = ["moon-1", "moon-2", "moon-3"];
/** The class of pods that drive others out; an API server must have it. */
export const highPriority = { name: "high", value: 10 } as const;

export const namespace = "bench";

export const benchNode = (at: number, cpu = "4"): Draft<Node> => {
  const name = `node-${at}`;
  return {
    metadata: { name, labels: { [hostKey]: name, [zoneKey]: zones[at % zones.length] ?? "" } },
    spec: {},
    status: {
      allocatable: { cpu, memory: "32Gi", pods: "110" },
      capacity: { cpu, memory: "32Gi", pods: "110" },
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
};

const pod =
  (prefix: string, labels: Record<string, string>, more: Partial<PodSpec> = {}, cpu = "100m"): MakePod =>
  (at) => ({
    metadata: { name: `${prefix}-${at}`, namespace, labels },
    spec: {
      containers: [
        {
          name: "pause",
          image: "registry.k8s.io/pause:3.10",
          resources: { requests: { cpu, memory: "500Mi" } },
        },
      ],
      ...more,
    },
  });

const term = (topologyKey: string, color: string) => ({
  topologyKey,
  labelSelector: { matchLabels: { color } },
});

const blue = { color: "blue" };
const green = { color: "green" };
const red = { color: "red" };
const spread = (whenUnsatisfiable: string) => ({
  topologySpreadConstraints: [
    { maxSkew: 5, topologyKey: zoneKey, whenUnsatisfiable, labelSelector: { matchLabels: blue } },
  ],
});
const plain = pod("plain", {});

/** @param nodes How many there are: what is placed before grows with them. */
export function workloads(nodes: number): readonly Workload[] {
  const before = Math.min(nodes, 1_000);
  return [
    { name: "basic", make: plain, target: 1_000 },
    {
      name: "node affinity",
      before: { pods: before, make: plain },
      make: pod(
        "near-zone",
        {},
        {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: zoneKey, operator: "In", values: zones.slice(0, 2) }] },
                ],
              },
            },
          },
        },
      ),
    },
    {
      name: "required anti-affinity",
      before: { pods: before / 2, make: pod("green", green) },
      make: pod("apart", green, {
        affinity: {
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(hostKey, "green")] },
        },
      }),
      target: 200,
    },
    {
      name: "required affinity",
      before: { pods: before, make: pod("blue", blue) },
      make: pod("together", blue, {
        affinity: {
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(zoneKey, "blue")] },
        },
      }),
      target: 150,
    },
    {
      name: "preferred affinity",
      before: { pods: before, make: pod("red", red) },
      make: pod("rather-near", red, {
        affinity: {
          podAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, podAffinityTerm: term(hostKey, "red") },
            ],
          },
        },
      }),
    },
    {
      name: "preferred anti-affinity",
      before: { pods: before, make: pod("yellow", { color: "yellow" }) },
      make: pod(
        "rather-apart",
        { color: "yellow" },
        {
          affinity: {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1, podAffinityTerm: term(hostKey, "yellow") },
              ],
            },
          },
        },
      ),
    },
    {
      name: "topology spread",
      before: { pods: before, make: plain },
      make: pod("spread", blue, spread("DoNotSchedule")),
    },
    {
      name: "preferred topology spread",
      before: { pods: before, make: plain },
      make: pod("rather-spread", blue, spread("ScheduleAnyway")),
    },
    {
      name: "preemption",
      before: {
        pods: nodes * 4,
        make: pod("low", {}, { priority: 0, terminationGracePeriodSeconds: 0 }, "900m"),
      },
      make: pod("high", {}, { priority: highPriority.value, priorityClassName: highPriority.name }, "3"),
    },
    { name: "mixed churn", make: plain, churns: true },
  ];
}
