import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { pod } from "./testing-objects.ts";

const pods = "/api/v1/namespaces/default/pods?dryRun=All";
const priorityClasses = "/apis/scheduling.k8s.io/v1/priorityclasses";
const runtimeClasses = "/apis/node.k8s.io/v1/runtimeclasses";

describe("the classes that pods name", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver();
  });
  after(() => api.stop());

  const create = (path: string, body: object) => api.admin.call("POST", path, { body });
  const podWith = async (spec: object) => {
    const body = pod("p");
    return create(pods, { ...body, spec: { ...body.spec, ...spec } });
  };

  it("the system's priority classes are there from the start, and stay", async () => {
    const { body } = await api.admin.call("GET", priorityClasses);
    const found = body.items.map((one: { metadata: { name: string }; value: number }) => [
      one.metadata.name,
      one.value,
    ]);
    assert.deepEqual(found, [
      ["system-cluster-critical", 2_000_000_000],
      ["system-node-critical", 2_000_001_000],
    ]);
    const gone = await api.admin.call("DELETE", `${priorityClasses}/system-node-critical`);
    assert.equal(gone.code, 403);
    assert.equal(
      gone.body.message,
      'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
    );
    assert.equal(
      (await podWith({ priorityClassName: "system-node-critical" })).body.spec.priority,
      2_000_001_000,
    );
  });

  it("a pod has its class's priority; without a class the default one's, of which there is one", async () => {
    assert.equal((await podWith({})).body.spec.priority, 0);
    await create(priorityClasses, { metadata: { name: "calm" }, value: -7, preemptionPolicy: "Never" });
    const named = await podWith({ priorityClassName: "calm" });
    assert.equal(named.body.spec.priority, -7);
    assert.equal(named.body.spec.preemptionPolicy, "Never");
    const made = await create(priorityClasses, {
      metadata: { name: "usual" },
      value: 5,
      globalDefault: true,
    });
    assert.equal(made.code, 201);
    const second = await create(priorityClasses, {
      metadata: { name: "other" },
      value: 6,
      globalDefault: true,
    });
    assert.equal(second.code, 403);
    assert.equal(
      second.body.message,
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    );
    const { spec } = (await podWith({})).body;
    assert.deepEqual([spec.priorityClassName, spec.priority], ["usual", 5]);
  });

  it("a pod takes over what its runtime class says of overhead, nodes and tolerations", async () => {
    const tolerations = [
      { key: "sandbox", operator: "Exists" },
      { key: "mine", operator: "Equal", value: "a", effect: "NoSchedule" },
    ];
    await create(runtimeClasses, {
      metadata: { name: "sandbox" },
      handler: "runsc",
      overhead: { podFixed: { cpu: "100m" } },
      scheduling: { nodeSelector: { sandbox: "yes" }, tolerations },
    });
    const own = { key: "sandbox", operator: "Equal", value: "x", effect: "NoExecute" };
    const { code, body } = await podWith({
      runtimeClassName: "sandbox",
      nodeSelector: { disk: "fast" },
      tolerations: [own],
    });
    assert.equal(code, 201, body.message);
    assert.deepEqual(body.spec.overhead, { cpu: "100m" });
    assert.deepEqual(body.spec.nodeSelector, { disk: "fast", sandbox: "yes" });
    const keys = body.spec.tolerations.filter((one: { key: string }) => !one.key.startsWith("node."));
    // The class's toleration covers the pod's own.
    assert.deepEqual(keys, tolerations);
  });

  it("refuses a pod that contradicts its runtime class", async () => {
    const messages = [];
    for (const spec of [{ overhead: { cpu: "1" } }, { nodeSelector: { sandbox: "no" } }])
      messages.push((await podWith({ runtimeClassName: "sandbox", ...spec })).body.message);
    assert.deepEqual(messages, [
      `pods "p" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`,
      'pods "p" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[sandbox] = yes; pod.spec.nodeSelector[sandbox] = no',
    ]);
  });
});
