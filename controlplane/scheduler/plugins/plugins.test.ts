import assert from "node:assert/strict";
import { Prng } from "../../../base/os/random.ts";
import type { Node, Pod, Service } from "../../../client/types.ts";
import { SchedulerCache } from "../cache.ts";
import { fitErrorText } from "../cycle/fit-error.ts";
import { podInfo } from "../cycle/pod-info.ts";
import { pluginsOf } from "../cycle/profile.ts";
import { schedule } from "../cycle/schedule.ts";
import { siblingsOf } from "../siblings.ts";
import { noStorage } from "../storage/storage.ts";
import { type Extra, inZone, meta, node, pod, requests } from "../testing/plugin-objects.ts";
import { testProfile } from "../testing/test-profile.ts";
import { defaultPlugins, pluginFactories } from "./table.ts";

const ownerNamed = (owner: string) => ({ spec: { selector: { matchLabels: { owner } } } });

interface Case {
  readonly nodes: readonly Node[];
  /** Pods already placed, by node. */
  readonly placed?: Readonly<Record<string, readonly Pod[]>>;
  readonly namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly services?: readonly Service[];
  readonly pod: Pod;
  /** The nodes it may end up on, over many seeds; or the message. */
  readonly wanted: readonly string[] | RegExp;
}

function check({ nodes, placed = {}, namespaces = {}, services = [], pod: wantedPod, wanted }: Case): void {
  const cache = new SchedulerCache({
    namespaceLabels: (name) => namespaces[name] ?? {},
    siblings: (one) =>
      siblingsOf(one, {
        services: { byNamespace: () => services },
        replicaSets: { get: ({ name }) => ownerNamed(name) as never },
        statefulSets: { get: () => undefined },
        replicationControllers: { get: () => undefined },
      }),
    storage: noStorage,
  });
  for (const one of nodes) cache.putNode(one);
  for (const [nodeName, pods] of Object.entries(placed))
    for (const one of pods) cache.putPod({ ...one, spec: { ...one.spec, nodeName } });
  const seen = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const decision = schedule(
      podInfo(wantedPod),
      cache,
      testProfile(cache),
      { startAt: seed },
      new Prng(seed),
    );
    if (decision.outcome === "placed") seen.add(decision.node);
    if (decision.outcome === "unschedulable") seen.add(fitErrorText(decision.error));
  }
  if (wanted instanceof RegExp) {
    assert.equal(seen.size, 1);
    assert.match([...seen][0] ?? "", wanted);
  } else assert.deepEqual([...seen].sort(), [...wanted].sort());
}

const affinityTo = (labels: Record<string, string>, topologyKey: string, more = {}) => ({
  labelSelector: { matchLabels: labels },
  topologyKey,
  ...more,
});
const zoneKey = "topology.kubernetes.io/zone";
const hostKey = "kubernetes.io/hostname";
const tainted = (effect: string, value?: string) => ({
  taints: [{ key: "k", effect, ...(value && { value }) }],
});
const nodeRequired = (...terms: object[]) => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
  },
});
const disk = (amount: string) => ({ requests: { "ephemeral-storage": amount } });
const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, values }],
});
const spread = (whenUnsatisfiable: string, topologyKey: string, more = {}) => ({
  labels: { app: "a" },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey, whenUnsatisfiable, labelSelector: { matchLabels: { app: "a" } }, ...more },
  ],
});
const a = (name: string, more: Extra = {}) => pod(name, { labels: { app: "a" }, ...more });

const cases: Readonly<Record<string, Case>> = {
  "any of equal nodes": { nodes: [node("n1"), node("n2")], pod: pod("p"), wanted: ["n1", "n2"] },
  "no nodes": { nodes: [], pod: pod("p"), wanted: /^no nodes available to schedule pods$/ },
  "reasons are counted, sorted, and say what preemption could do": {
    nodes: [node("n1", { cpu: "1" }), node("n2", { spec: tainted("NoSchedule", "v") })],
    pod: pod("p", { containers: [{ name: "c", resources: requests("2") }] }),
    wanted:
      /^0\/2 nodes are available: 1 Insufficient cpu, 1 node\(s\) had untolerated taint\(s\)\. preemption: 0\/2 nodes are available: 2 Preemption is not helpful for scheduling\.$/,
  },
  "what others take is not available": {
    nodes: [node("n1", { cpu: "1" })],
    placed: { n1: [pod("q", { containers: [{ name: "c", resources: requests("700m", "8Gi") }] })] },
    pod: pod("p", { containers: [{ name: "c", resources: requests("400m") }] }),
    wanted:
      /available: 1 Insufficient cpu, 1 Insufficient memory\. preemption: 0\/1 nodes are available: 1 No preemption victims found for incoming pod\.$/,
  },
  "no node has a label whose name all objects inherit": {
    nodes: [node("n1")],
    pod: a("p", {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [affinityTo({ app: "a" }, "constructor")],
        },
      },
    }),
    wanted: /1 node\(s\) didn't match pod affinity rules/,
  },
  "a full node": {
    nodes: [node("n1", { pods: "1" })],
    placed: { n1: [pod("q")] },
    pod: pod("p"),
    wanted: /1 Too many pods\./,
  },
  "init containers and overhead count": {
    nodes: [node("n1", { cpu: "1" })],
    pod: pod("p", {
      initContainers: [
        { name: "sidecar", restartPolicy: "Always", resources: requests("300m") },
        { name: "init", resources: requests("500m") },
      ],
      overhead: { cpu: "300m" },
    }),
    wanted: /1 Insufficient cpu/,
  },
  "extended resources a node does not have": {
    nodes: [node("n1")],
    pod: pod("p", { containers: [{ name: "c", resources: { requests: { "nvidia.com/gpu": "1" } } }] }),
    wanted: /1 Insufficient nvidia\.com\/gpu/,
  },
  "the node's disk": {
    nodes: [node("n1", { disk: "10Mi" })],
    placed: { n1: [pod("q", { containers: [{ name: "c", resources: disk("6Mi") }] })] },
    pod: pod("p", { containers: [{ name: "c", resources: disk("5Mi") }] }),
    wanted: /1 Insufficient ephemeral-storage/,
  },
  "least allocated": {
    nodes: [node("n1"), node("n2")],
    placed: { n1: [pod("q", { containers: [{ name: "c", resources: requests("1", "2Gi") }] })] },
    pod: pod("p"),
    wanted: ["n2"],
  },
  cordoned: {
    nodes: [node("n1", { spec: { unschedulable: true } })],
    pod: pod("p"),
    wanted: /1 node\(s\) were unschedulable\./,
  },
  "cordoned but tolerated": {
    nodes: [node("n1", { spec: { unschedulable: true } })],
    pod: pod("p", { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] }),
    wanted: ["n1"],
  },
  "taint tolerated by value": {
    nodes: [
      node("n1", { spec: tainted("NoSchedule", "v") }),
      node("n2", { spec: tainted("NoExecute", "w") }),
    ],
    pod: pod("p", { tolerations: [{ key: "k", value: "v" }] }),
    wanted: ["n1"],
  },
  "all taints tolerated": {
    nodes: [node("n1", { spec: tainted("NoSchedule") })],
    pod: pod("p", { tolerations: [{ operator: "Exists" }] }),
    wanted: ["n1"],
  },
  "toleration of another effect": {
    nodes: [node("n1", { spec: tainted("NoSchedule") })],
    pod: pod("p", { tolerations: [{ key: "k", operator: "Exists", effect: "NoExecute" }] }),
    wanted: /untolerated taint\(s\)/,
  },
  "PreferNoSchedule is avoided, not refused": {
    nodes: [node("n1", { spec: tainted("PreferNoSchedule") }), node("n2")],
    pod: pod("p"),
    wanted: ["n2"],
  },
  "node selector": {
    nodes: [node("n1", { labels: { disk: "ssd" } }), node("n2")],
    pod: pod("p", { nodeSelector: { disk: "ssd" } }),
    wanted: ["n1"],
  },
  "node selector nobody matches": {
    nodes: [node("n1")],
    pod: pod("p", { nodeSelector: { disk: "ssd" } }),
    wanted:
      /1 node\(s\) didn't match Pod's node affinity\/selector\. preemption: .* 1 Preemption is not helpful/,
  },
  "node affinity: In, NotIn": {
    nodes: [node("n1", { labels: { x: "1" } }), node("n2", { labels: { x: "2" } }), node("n3")],
    pod: pod("p", nodeRequired(expression("x", "NotIn", "2"))),
    wanted: ["n1", "n3"],
  },
  "node affinity: Gt and Lt; terms are alternatives": {
    nodes: ["1", "5", "9"].map((x) => node(`n${x}`, { labels: { x } })),
    pod: pod("p", nodeRequired(expression("x", "Gt", "8"), expression("x", "Lt", "2"))),
    wanted: ["n1", "n9"],
  },
  "node affinity: Exists, DoesNotExist": {
    nodes: [node("n1", { labels: { x: "1" } }), node("n2", { labels: { x: "1", y: "" } })],
    pod: pod(
      "p",
      nodeRequired({
        matchExpressions: [
          { key: "x", operator: "Exists" },
          { key: "y", operator: "DoesNotExist" },
        ],
      }),
    ),
    wanted: ["n1"],
  },
  "node affinity: an empty term matches nothing; a field names a node": {
    nodes: [node("n1"), node("n2")],
    pod: pod(
      "p",
      nodeRequired({}, { matchFields: [{ key: "metadata.name", operator: "In", values: ["n2"] }] }),
    ),
    wanted: ["n2"],
  },
  "preferred node affinity weighs": {
    nodes: [node("n1", { labels: { x: "1" } }), node("n2", { labels: { x: "2" } })],
    pod: pod("p", {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, preference: expression("x", "In", "1") },
            { weight: 50, preference: expression("x", "In", "2") },
          ],
        },
      },
    }),
    wanted: ["n2"],
  },
  "host ports clash over all addresses, not over protocols": {
    nodes: [node("n1"), node("n2")],
    placed: {
      n1: [
        pod("q", {
          containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80, hostIP: "10.0.0.1" }] }],
        }),
      ],
      n2: [
        pod("r", {
          containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80, protocol: "UDP" }] }],
        }),
      ],
    },
    pod: pod("p", { containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80 }] }] }),
    wanted: ["n2"],
  },
  "host ports all taken": {
    nodes: [node("n1")],
    placed: { n1: [pod("q", { containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80 }] }] })] },
    pod: pod("p", { containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80 }] }] }),
    wanted: /1 node\(s\) didn't have free ports for the requested pod ports/,
  },
  "required affinity: same zone as its like": {
    nodes: [inZone("n1", "a"), inZone("n2", "a"), inZone("n3", "b")],
    placed: { n1: [a("q")], n2: [pod("r")] },
    pod: pod("p", {
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [affinityTo({ app: "a" }, zoneKey)] },
      },
    }),
    wanted: ["n1", "n2"],
  },
  "required affinity: the first of a group may go anywhere": {
    nodes: [inZone("n1", "a"), node("bare")],
    pod: a("p", {
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [affinityTo({ app: "a" }, zoneKey)] },
      },
    }),
    wanted: ["n1"],
  },
  "required affinity: none of another kind": {
    nodes: [inZone("n1", "a")],
    pod: pod("p", {
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [affinityTo({ app: "a" }, zoneKey)] },
      },
    }),
    wanted: /1 node\(s\) didn't match pod affinity rules/,
  },
  "required affinity looks in its own namespace": {
    nodes: [node("n1")],
    placed: { n1: [a("q", { namespace: "other" })] },
    pod: pod("p", {
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [affinityTo({ app: "a" }, hostKey)] },
      },
    }),
    wanted: /didn't match pod affinity rules/,
  },
  "required affinity with a namespace selector": {
    nodes: [node("n1"), node("n2")],
    placed: { n1: [a("q", { namespace: "other" })] },
    namespaces: { other: { team: "x" } },
    pod: pod("p", {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            affinityTo({ app: "a" }, hostKey, { namespaceSelector: { matchLabels: { team: "x" } } }),
          ],
        },
      },
    }),
    wanted: ["n1"],
  },
  "required anti-affinity": {
    nodes: [node("n1"), node("n2")],
    placed: { n1: [a("q")] },
    pod: a("p", {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [affinityTo({ app: "a" }, hostKey)],
        },
      },
    }),
    wanted: ["n2"],
  },
  "required anti-affinity nowhere": {
    nodes: [inZone("n1", "z"), inZone("n2", "z")],
    placed: { n1: [a("q")] },
    pod: pod("p", {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [affinityTo({ app: "a" }, zoneKey)],
        },
      },
    }),
    wanted: /2 node\(s\) didn't match pod anti-affinity rules\. preemption: .* 2 No preemption victims/,
  },
  "anti-affinity of those already there": {
    nodes: [node("n1")],
    placed: {
      n1: [
        pod("q", {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [affinityTo({ app: "a" }, hostKey)],
            },
          },
        }),
      ],
    },
    pod: a("p"),
    wanted: /1 node\(s\) didn't satisfy existing pods anti-affinity rules/,
  },
  "preferred affinity draws, preferred anti-affinity repels": {
    nodes: [node("n1"), node("n2"), node("n3")],
    placed: { n1: [a("q")], n2: [pod("r", { labels: { app: "b" } })], n3: [pod("s")] },
    pod: pod("p", {
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, podAffinityTerm: affinityTo({ app: "b" }, hostKey) },
          ],
        },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, podAffinityTerm: affinityTo({ app: "a" }, hostKey) },
          ],
        },
      },
    }),
    wanted: ["n2"],
  },
  "preferences of those already there": {
    nodes: [node("n1"), node("n2")],
    placed: {
      n1: [
        pod("q", {
          affinity: {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 100, podAffinityTerm: affinityTo({ app: "a" }, hostKey) },
              ],
            },
          },
        }),
      ],
      n2: [pod("r")],
    },
    pod: a("p"),
    wanted: ["n2"],
  },
  "spread: skew is not exceeded": {
    nodes: [inZone("n1", "a"), inZone("n2", "a"), inZone("n3", "b")],
    placed: { n1: [a("q")] },
    pod: pod("p", spread("DoNotSchedule", zoneKey)),
    wanted: ["n3"],
  },
  "spread: nodes without the label, and no way out": {
    nodes: [inZone("n1", "a"), node("bare"), inZone("n3", "b", { cpu: "0" })],
    placed: { n1: [a("q")] },
    pod: pod("p", spread("DoNotSchedule", zoneKey)),
    wanted:
      /1 Insufficient cpu, 1 node\(s\) didn't match pod topology spread constraints, 1 node\(s\) didn't match pod topology spread constraints \(missing required label\)\./,
  },
  "spread: too few domains count as one empty": {
    nodes: [inZone("n1", "a")],
    placed: { n1: [a("q")] },
    pod: pod("p", spread("DoNotSchedule", zoneKey, { minDomains: 2 })),
    wanted: /didn't match pod topology spread constraints/,
  },
  "spread: nodes the pod cannot be on are no domains": {
    nodes: [inZone("n1", "a", { labels: { x: "1", [zoneKey]: "a" } }), inZone("n3", "b")],
    placed: { n1: [a("q")] },
    pod: pod("p", { ...spread("DoNotSchedule", zoneKey), nodeSelector: { x: "1" } }),
    wanted: ["n1"],
  },
  "spread: as a wish": {
    nodes: [inZone("n1", "a"), inZone("n2", "b")],
    placed: { n1: [a("q")], n2: [pod("r")] },
    pod: pod("p", spread("ScheduleAnyway", zoneKey)),
    wanted: ["n2"],
  },
  "pods of one owner spread by themselves": {
    nodes: [node("n1"), node("n2"), node("n3")],
    placed: {
      n1: [pod("q", { owner: "rs" })],
      n2: [pod("r", { owner: "rs" })],
      n3: [pod("s", { owner: "other" })],
    },
    pod: pod("p", { owner: "rs" }),
    wanted: ["n3"],
  },
  "pods of one service spread by themselves": {
    nodes: [node("n1"), node("n2")],
    placed: { n1: [a("q")], n2: [pod("s")] },
    services: [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: meta("web", { namespace: "n" }),
        spec: { selector: { app: "a" } },
      },
    ],
    pod: a("p"),
    wanted: ["n2"],
  },
  "a node that has the image": {
    nodes: [node("n1"), node("n2", { images: [{ names: ["i:latest"], sizeBytes: 900 * 1024 * 1024 }] })],
    pod: pod("p"),
    wanted: ["n2"],
  },
  "a pod that names its node": {
    nodes: [node("n1"), node("n2")],
    pod: pod("p", { nodeName: "n2" }),
    wanted: ["n2"],
  },
};

describe("controlplane/scheduler/plugins", () => {
  for (const [name, one] of Object.entries(cases)) it(name, () => check(one));

  it("are made under the names that the table gives them", () => {
    const cache = new SchedulerCache({
      namespaceLabels: () => ({}),
      siblings: () => undefined,
      storage: noStorage,
    });
    const made = new Map(pluginsOf(testProfile(cache)).map((plugin) => [plugin.name, plugin]));
    assert.deepEqual([...made.keys()].sort(), Object.keys(pluginFactories).sort());
    assert.deepEqual(defaultPlugins.map(({ name }) => name).sort(), Object.keys(pluginFactories).sort());
  });
});
