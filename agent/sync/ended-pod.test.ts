import { strict as assert } from "node:assert";
import { WorkerRig } from "./testing/worker-rig.ts";

describe("a pod that ended for good", () => {
  let rig: WorkerRig;
  beforeEach(async () => {
    rig = await WorkerRig.open();
  });
  afterEach(() => rig.close());

  const settled = () => rig.clock.advance(60_000);
  const cleared = () => rig.later(() => (rig.cleared > 0 ? true : undefined), "its volumes are freed");

  it("gives back its volumes, once, and keeps its containers and logs", async () => {
    await rig.run({ restartPolicy: "Never" });
    const id = await rig.untilRunning();
    assert.equal(rig.cleared, 0);
    rig.runtime.exit(id, 0);
    await rig.untilPod(({ status }) => status?.phase === "Succeeded", "Succeeded");
    await cleared();
    await rig.patch({ metadata: { labels: { look: "again" } } });
    await settled();
    assert.equal(rig.cleared, 1);
    assert.deepEqual(
      rig.runtime.listContainers().map((one) => one.id),
      [id],
    );
  });

  it("gives back its containers and what they wrote, too, when the node needs the room, and its status stays", async () => {
    await rig.run({ restartPolicy: "Never" });
    const id = await rig.untilRunning();
    await rig.worker?.reclaim(); // it runs: nothing to wait for
    assert.equal(rig.running().size, 1);
    rig.runtime.exit(id, 0);
    await rig.untilPod(({ status }) => status?.phase === "Succeeded", "Succeeded");
    await rig.later(() => rig.worker?.isFreed || undefined, "freed");
    await rig.worker?.reclaim();
    assert.deepEqual([rig.runtime.listContainers(), rig.runtime.listPodSandboxes()], [[], []]);
    await settled();
    const { status } = await rig.pod();
    assert.equal(status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 0);
    await rig.worker?.reclaim();
  });

  it("says that it was ended for others' sake where it was, and takes no second eviction", async () => {
    await rig.run({ terminationGracePeriodSeconds: 600 });
    rig.runtime.deaf.add("c");
    await rig.untilRunning();
    const annotations = { starved_resource: "memory" };
    assert.equal(rig.evict("low on memory", { graceSeconds: 400, disrupts: true, annotations }), true);
    await rig.until(() => rig.events.find(({ reason }) => reason === "Killing"), "told to end");
    const before = rig.clock.wallMs();
    assert.equal(rig.evict("lower still"), false);
    const { status } = await rig.untilPod((pod) => pod.status?.phase === "Failed", "Failed");
    assert.ok(rig.clock.wallMs() - before < 300_000, "the second one shortens the first");
    assert.deepEqual([status?.reason, status?.message], ["Evicted", "low on memory"]);
    const condition = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
    assert.deepEqual(
      [condition?.status, condition?.reason, condition?.message],
      ["True", "TerminationByKubelet", "low on memory"],
    );
    const [event] = rig.events.filter(({ reason }) => reason === "Evicted");
    assert.deepEqual(event?.annotations, annotations);
  });

  it("keeps everything until the API knows how it ended", async () => {
    await rig.run({ restartPolicy: "Never" });
    const id = await rig.untilRunning();
    await rig.untilPod(({ status }) => status?.phase === "Running", "Running");
    let asked = 0;
    rig.api.intercept = async ({ verb }) => {
      if (verb !== "patch") return undefined;
      asked++;
      return rig.hung;
    };
    rig.runtime.exit(id, 0);
    await rig.later(() => (asked > 0 ? true : undefined), "the API is told");
    await settled();
    assert.equal(rig.cleared, 0);
  });

  it("gives back its containers and sandboxes, too, where it was evicted, and its status stays", async () => {
    await rig.run({ restartPolicy: "Always" });
    rig.runtime.exit(await rig.untilRunning(), 3);
    await rig.later(() => (rig.running().size === 1 ? true : undefined), "restarted");
    rig.evict("it takes too much");
    const { status } = await rig.untilPod((pod) => pod.status?.phase === "Failed", "Failed");
    await rig.later(
      () => (rig.runtime.listContainers().length === 0 ? true : undefined),
      "containers are freed",
    );
    await settled();
    assert.deepEqual(rig.runtime.listPodSandboxes(), []);
    assert.equal(status?.containerStatuses?.[0]?.restartCount, 1);
    for (const agent of ["the same", "another"]) {
      await rig.patch({ metadata: { labels: { agent } } });
      await settled();
      assert.deepEqual((await rig.pod()).status, status, agent);
      await rig.stopAgent();
      await rig.startAgent();
    }
    await settled();
    assert.deepEqual((await rig.pod()).status, status);
    assert.equal(rig.running().size, 0);
  });
});
