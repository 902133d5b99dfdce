import assert from "node:assert/strict";
import type { Kind } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { amountText, bytesText } from "./amounts.ts";
import { apiServersOf, healthChecks, leadershipsOf } from "./components.ts";
import { kindByName, segmentsOf } from "./links.ts";
import { heldByNode, nodeUses } from "./node-use.ts";
import { quotaLines } from "./quotas.ts";
import { rolloutsOf } from "./rollouts.ts";
import { memberLines, quantile, secondsText } from "./store.ts";

const kind = (group: string, name: string, plural: string, namespaced = true): Kind => ({
  group,
  version: "v1",
  plural,
  kind: name,
  namespaced,
  verbs: ["list"],
  shortNames: [],
  subresources: [],
});
const pod = (nodeName: string, cpu: string, phase = "Running"): KubeObject => ({
  metadata: { name: "p" },
  spec: { nodeName, containers: [{ name: "c", resources: { requests: { cpu, memory: "1Gi" } } }] },
  status: { phase },
});
const node = (name: string, ready = "True"): KubeObject => ({
  metadata: { name },
  status: {
    allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
    conditions: [
      { type: "Ready", status: ready },
      { type: "MemoryPressure", status: name === "node-2" ? "True" : "False" },
    ],
  },
});

describe("dashboard/web/model: the home page", () => {
  it("adds up what pods of a node hold, but for those that ended", () => {
    const held = heldByNode([
      pod("node-1", "500m"),
      pod("node-1", "250m"),
      pod("node-1", "8", "Succeeded"),
      pod("", "1"),
      pod("node-1", "no quantity"),
    ]);
    assert.deepEqual([...held], [["node-1", { cpu: 0.75, memory: 2 * 2 ** 30, pods: 3 }]]);
  });
  it("shows nodes that are not ready first, and says what presses them", () => {
    const uses = nodeUses(
      [node("node-10"), node("node-2"), node("node-9", "False")],
      new Map(),
      new Map([["node-2", { cpu: "1500m", memory: "1Gi" }]]),
    );
    assert.deepEqual(
      uses.map(({ name, state, shares: [cpu] }) => [name, state, cpu?.used, cpu?.all]),
      [
        ["node-9", "NotReady", undefined, 4],
        ["node-2", "Ready, MemoryPressure", 1.5, 4],
        ["node-10", "Ready", undefined, 4],
      ],
    );
  });
  it("lists what is rolled out and runs, not what is done, paused or suspended", () => {
    const of = (kindName: string, name: string, spec: object, status: object): KubeObject => ({
      kind: kindName,
      metadata: { name, namespace: "shop", generation: 2, creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: spec as Record<string, unknown>,
      status: status as Record<string, unknown>,
    });
    const seen = { observedGeneration: 2 };
    const well = { ...seen, replicas: 3, updatedReplicas: 3, availableReplicas: 3 };
    const stuck = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }];
    const revisions = { currentRevision: "a", updateRevision: "b" };
    const rollouts = rolloutsOf([
      of("Deployment", "done", { replicas: 3 }, well),
      of("Deployment", "moves", { replicas: 3 }, { ...well, availableReplicas: 1 }),
      of("Deployment", "stuck", { replicas: 3 }, { ...well, updatedReplicas: 1, conditions: stuck }),
      of("Deployment", "paused", { replicas: 3, paused: true }, seen),
      of(
        "StatefulSet",
        "db",
        { replicas: 2 },
        { ...seen, ...revisions, replicas: 2, availableReplicas: 2, updatedReplicas: 1 },
      ),
      of("StatefulSet", "db-done", { replicas: 2 }, { ...seen, replicas: 2, availableReplicas: 2 }),
      of(
        "DaemonSet",
        "agents",
        {},
        { ...seen, desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 4 },
      ),
      of("Job", "import", { completions: 10 }, { active: 2, succeeded: 3, failed: 1 }),
      of("Job", "ended", {}, { conditions: [{ type: "Complete", status: "True" }] }),
      of("Job", "waits", { suspend: true }, {}),
      of("ConfigMap", "settings", {}, {}),
    ]);
    assert.deepEqual(
      rollouts.map(({ name, done, all, says, isStuck }) => [name, done, all, says, isStuck]),
      [
        ["agents", 4, 5, "4 of 5 updated pods are available", false],
        ["db", 1, 2, "1 of 2 pods are of the new revision", false],
        ["import", 3, 10, "2 running, 3 of 10 done, 1 failed", false],
        ["moves", 1, 3, "1 of 3 updated replicas are available", false],
        ["stuck", 1, 3, 'deployment "stuck" exceeded its progress deadline', true],
      ],
    );
  });
  it("sets what is used beside quotas, the fullest first", () => {
    const lines = quotaLines([
      {
        metadata: { name: "team", namespace: "shop" },
        status: {
          hard: { pods: "10", "requests.memory": "2Gi", secrets: "0" },
          used: { pods: "5", "requests.memory": "1800Mi", secrets: "1" },
        },
      },
    ]);
    assert.deepEqual(
      lines.map(({ resource, text }) => [resource, text]),
      [
        ["secrets", "1 of 0"],
        ["requests.memory", "1.8 GiB of 2 GiB"],
        ["pods", "5 of 10"],
      ],
    );
  });
  it("says who leads, and that nobody does once a lease is not renewed", () => {
    const lease = (name: string, renewTime: string): KubeObject => ({
      metadata: { name },
      spec: {
        holderIdentity: `${name}-1`,
        renewTime,
        acquireTime: "2026-01-01T00:00:00Z",
        leaseDurationSeconds: 15,
      },
    });
    const nowMs = Date.parse("2026-01-01T01:00:00Z");
    const all = leadershipsOf(
      [
        lease("other", "2026-01-01T00:59:58Z"),
        lease("kube-controller-manager", "2026-01-01T00:59:44.9Z"),
        lease("kube-scheduler", "2026-01-01T00:59:50Z"),
      ],
      nowMs,
    );
    assert.deepEqual(
      all.map(({ name, isHeld }) => [name, isHeld]),
      [
        ["kube-scheduler", true],
        ["kube-controller-manager", false],
        ["other", true],
      ],
    );
  });
  it("finds API servers and reads what a health page says", () => {
    const slices = [
      {
        metadata: { name: "kubernetes" },
        ports: [{ port: 6443 }],
        endpoints: [{ addresses: ["10.0.0.2"], conditions: { ready: false } }, { addresses: ["fd00::1"] }],
      },
    ];
    assert.deepEqual(apiServersOf(slices), [
      { address: "[fd00::1]:6443", isReady: true },
      { address: "10.0.0.2:6443", isReady: false },
    ]);
    assert.deepEqual(healthChecks("[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"), [
      { name: "ping", isWell: true },
      { name: "etcd", isWell: false },
    ]);
  });
  it("leads from a kind's name to the one that is meant", () => {
    const kinds = [
      kind("events.k8s.io", "Event", "events"),
      kind("metrics.k8s.io", "Pod", "pods"),
      kind("", "Pod", "pods"),
      kind("serving.knative.dev", "Service", "services"),
      kind("", "Service", "services"),
      kind("", "Node", "nodes", false),
    ];
    assert.equal(kindByName(kinds, "Pod")?.group, "");
    assert.equal(kindByName(kinds, "Service")?.group, "");
    assert.deepEqual(segmentsOf(kinds, { kind: "Node", name: "n" }), ["k", "core", "nodes", "_", "n"]);
    assert.equal(segmentsOf(kinds, { kind: "Widget", name: "w" }), undefined);
  });
  it("says how far members of the store are behind, and how long their logs take of late", () => {
    const fsync = (counts: readonly number[]) => ({
      buckets: [0.001, 0.002, 0.004].map((most, at) => ({ most, count: counts[at] ?? 0 })),
      count: counts.at(-1) ?? 0,
    });
    const member = (id: string, raftAppliedIndex: number, counts: readonly number[]) => ({
      id,
      name: id,
      isLearner: false,
      isLeader: id === "a",
      raftIndex: raftAppliedIndex,
      raftAppliedIndex,
      walFsync: fsync(counts),
    });
    const before = [member("a", 80, [100, 100, 100]), member("b", 70, [9, 9, 9])];
    const lines = memberLines(
      [
        member("a", 100, [100, 200, 200]),
        member("b", 93, [0, 0, 5]),
        { id: "c", name: "c", isLearner: false, unreachable: "refused" },
      ],
      before,
    );
    assert.deepEqual(
      lines.map(({ role, lag, trouble }) => [role, lag, trouble]),
      [
        ["leader", 0, ""],
        ["follower", 7, ""],
        ["unreachable", 0, "refused"],
      ],
    );
    assert.equal(lines[0]?.fsyncP99Seconds, 0.00199);
    assert.ok(Math.abs((lines[1]?.fsyncP99Seconds ?? 0) - 0.00398) < 1e-9);
    assert.equal(lines[2]?.fsyncP99Seconds, undefined);
    assert.equal(quantile(0.99, fsync([])), undefined);
    assert.equal(quantile(0.99, { buckets: [{ most: 1, count: 0 }], count: 5 }), 1);
    assert.deepEqual(
      [secondsText(0.00123), secondsText(0.25), secondsText(2.34)],
      ["1.2 ms", "250 ms", "2.3 s"],
    );
  });
  it("writes amounts as their resource is counted", () => {
    assert.equal(bytesText(1536), "1.5 KiB");
    assert.equal(amountText("requests.memory", 2 ** 30), "1 GiB");
    assert.equal(amountText("cpu", 0.125), "0.13");
    assert.equal(amountText("pods", 1234), "1,234");
  });
});
