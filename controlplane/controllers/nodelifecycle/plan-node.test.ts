import assert from "node:assert/strict";
import { ago, node, nowMs, pod } from "../testing/objects.ts";
import { evictionInMs } from "./plan-eviction.ts";
import { type NodeObserved, planNode } from "./plan-node.ts";

const observed: NodeObserved = { silent: false, evict: "yes", nowMs };
const texts = (one: ReturnType<typeof node>, more: Partial<NodeObserved> = {}) =>
  planNode(one, { ...observed, ...more }).map((step) =>
    step.action === "setTaints"
      ? `taints ${step.taints.map(({ key, effect }) => `${key.replace("node.kubernetes.io/", "")}:${effect}`).join(" ")}`
      : step.action === "setConditions"
        ? `conditions ${step.conditions.map(({ type, status }) => `${type}=${status}`).join(" ")}`
        : step.action,
  );

describe("controlplane/controllers/nodelifecycle/plan-node", () => {
  it("leaves a healthy node alone, and takes off taints of before", () => {
    assert.deepEqual(texts(node("a")), []);
    const tainted = node("a", {
      spec: {
        taints: [
          { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" },
          { key: "mine", effect: "NoSchedule" },
        ],
      },
    });
    assert.deepEqual(texts(tainted), ["taints mine:NoSchedule"]);
  });

  it("gives a silent node up", () => {
    assert.deepEqual(texts(node("a"), { silent: true }), [
      "conditions Ready=Unknown MemoryPressure=Unknown DiskPressure=Unknown PIDPressure=Unknown",
      "markPodsNotReady",
      "recordNotReady",
      "taints unreachable:NoSchedule unreachable:NoExecute",
    ]);
  });

  it("evicts nothing while no node at all is ready", () => {
    assert.equal(texts(node("a"), { silent: true, evict: "no" }).at(-1), "taints unreachable:NoSchedule");
    const given = node("a", {
      ready: "Unknown",
      spec: {
        taints: [
          { key: "node.kubernetes.io/unreachable", effect: "NoSchedule" },
          { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
        ],
      },
    });
    assert.equal(texts(given, { silent: true, evict: "no" }).at(-1), "taints unreachable:NoSchedule");
  });

  it("evicts nothing before its zone lets it, and goes on with a node that was given up", () => {
    assert.equal(texts(node("a"), { silent: true, evict: "wait" }).at(-1), "taints unreachable:NoSchedule");
    const given = node("a", {
      ready: "False",
      spec: {
        taints: [
          { key: "node.kubernetes.io/unreachable", effect: "NoSchedule" },
          { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
        ],
      },
    });
    assert.equal(texts(given, { evict: "wait" }).at(-1), "taints not-ready:NoSchedule not-ready:NoExecute");
  });

  it("keeps new pods off a node that is not ready or cordoned", () => {
    assert.deepEqual(texts(node("a", { ready: "False" })), [
      "markPodsNotReady",
      "taints not-ready:NoSchedule not-ready:NoExecute",
    ]);
    assert.deepEqual(texts(node("a", { spec: { unschedulable: true } })), [
      "taints unschedulable:NoSchedule",
    ]);
  });
});

describe("controlplane/controllers/nodelifecycle/plan-eviction", () => {
  const key = "node.kubernetes.io/unreachable";
  const taints = [{ key, effect: "NoExecute", timeAdded: ago(10) }];
  const bearing = (tolerationSeconds?: number) =>
    pod("p", {
      spec: {
        tolerations: [
          {
            key,
            operator: "Exists",
            effect: "NoExecute",
            ...(tolerationSeconds !== undefined && { tolerationSeconds }),
          },
        ],
      },
    });

  it("evicts at once, later, or never, as the pod bears the taint", () => {
    assert.equal(evictionInMs(pod("p"), taints, nowMs), 0);
    assert.equal(evictionInMs(bearing(300), taints, nowMs), 290_000);
    assert.equal(evictionInMs(bearing(5), taints, nowMs), 0);
    assert.equal(evictionInMs(bearing(), taints, nowMs), undefined);
    assert.equal(evictionInMs(pod("p"), [{ key, effect: "NoSchedule" }], nowMs), undefined);
  });
});
