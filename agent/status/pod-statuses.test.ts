import { strict as assert } from "node:assert";
import { silentLog } from "../../base/os/log.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Pod, PodStatus } from "../../client/types.ts";
import { PodStatuses } from "./pod-statuses.ts";

const ref = { namespace: "n", name: "p" };
type PodCondition = NonNullable<PodStatus["conditions"]>[number];
const condition = (type: string, status: string, more: Partial<PodCondition> = {}): PodCondition => ({
  type,
  status,
  lastTransitionTime: "2026-01-01T00:00:00Z",
  ...more,
});

describe("a pod's status as the node sends it", () => {
  let api: FakeApi;
  let tasks: TaskScope;
  let statuses: PodStatuses;
  let clock: ManualClock;
  beforeEach(() => {
    api = new FakeApi();
    clock = new ManualClock();
    tasks = new TaskScope(silentLog);
    const random = { uint32: () => 0, bytes: (length: number) => new Uint8Array(length) };
    statuses = new PodStatuses(api, { clock, random, log: silentLog }, tasks);
  });
  afterEach(() => tasks.stop());

  const create = (status: PodStatus) =>
    api.create(resources.pods, { metadata: { ...ref, uid: "u" }, spec: { containers: [] }, status } as never);
  const stored = async () => (await api.get(resources.pods, ref)).status ?? {};
  const send = async (pod: Pod, status: PodStatus) => {
    statuses.set(pod, status);
    await statuses.settled("u", tasks.signal);
  };
  /** Somebody else's write, which the node has not seen. */
  const elsewhere = (status: object) =>
    api.patch(resources.pods, ref, { status }, { type: "strategic", subresource: "status" });
  const types = async () => (await stored()).conditions?.map(({ type, status }) => `${type}=${status}`);

  it("keeps others' conditions, also those that it has not seen yet", async () => {
    const pod = await create({
      conditions: [condition("PodScheduled", "True"), condition("gate/a", "False")],
    });
    await elsewhere({
      conditions: [condition("DisruptionTarget", "True"), condition("gate/a", "True")],
    });
    await send(pod, {
      phase: "Running",
      conditions: [
        condition("Ready", "True"),
        condition("PodScheduled", "True"),
        condition("gate/a", "False"),
      ],
    });
    const now = new Set(await types());
    assert.deepEqual(
      now,
      new Set(["Ready=True", "PodScheduled=True", "gate/a=True", "DisruptionTarget=True"]),
    );
  });

  it("brings a condition that the node itself found although others may have it too", async () => {
    const pod = await create({ conditions: [condition("PodScheduled", "True")] });
    const disrupted = condition("DisruptionTarget", "True", { reason: "TerminationByKubelet" });
    await send(pod, { phase: "Failed", conditions: [condition("PodScheduled", "True"), disrupted] });
    assert.deepEqual((await stored()).conditions?.at(-1), disrupted);
  });

  it("leaves nothing of what a condition was before, and none that the node no longer has", async () => {
    const before = [
      condition("Ready", "False", { reason: "ContainersNotReady", message: "unready" }),
      condition("Initialized", "True"),
      condition("PodScheduled", "True"),
      condition("other", "True", { reason: "Kept" }),
    ];
    const pod = await create({ conditions: before });
    const after = [condition("Ready", "True"), condition("PodScheduled", "True")];
    await send(pod, {
      phase: "Running",
      conditions: [...after, condition("other", "True", { reason: "Kept" })],
    });
    assert.deepEqual((await stored()).conditions, [...after, condition("other", "True", { reason: "Kept" })]);
  });

  it("has the pod's addresses of now, none of before", async () => {
    const ip = (podIP: string, hostIP: string): PodStatus => ({
      phase: "Running",
      podIP,
      podIPs: [{ ip: podIP }],
      hostIP,
      hostIPs: [{ ip: hostIP }],
    });
    const pod = await create(ip("10.1.0.1", "10.0.0.1"));
    await send(pod, ip("10.1.0.2", "10.0.0.9"));
    const moved = await stored();
    assert.deepEqual([moved.podIPs, moved.hostIPs], [[{ ip: "10.1.0.2" }], [{ ip: "10.0.0.9" }]]);
    await send(pod, { phase: "Pending" });
    const { podIP, podIPs, hostIP, hostIPs } = await stored();
    assert.deepEqual([podIP, podIPs, hostIP, hostIPs], [undefined, undefined, undefined, undefined]);
  });

  it("tells of its containers and not of those before, and keeps what the node does not write", async () => {
    const one = (name: string) => ({ name, image: "i", imageID: "", ready: false, restartCount: 0 });
    const pod = await create({
      phase: "Pending",
      reason: "Because",
      message: "so",
      nominatedNodeName: "kept",
      resourceClaimStatuses: [{ name: "claim" }],
      containerStatuses: [one("a"), one("b")],
      initContainerStatuses: [one("i")],
    });
    const conditions = [condition("Ready", "True")];
    await send(pod, { phase: "Running", conditions, containerStatuses: [one("b")] });
    assert.deepEqual(await stored(), {
      phase: "Running",
      conditions,
      nominatedNodeName: "kept",
      resourceClaimStatuses: [{ name: "claim" }],
      containerStatuses: [one("b")],
    });
  });

  it("is not sent again when only others' conditions changed", async () => {
    const own = [condition("Ready", "True")];
    const pod = await create({ phase: "Pending" });
    await send(pod, { phase: "Running", conditions: own });
    await elsewhere({ conditions: [condition("gate/a", "True")] });
    const seen = await api.get(resources.pods, ref);
    api.actions.length = 0;
    await send(seen, { phase: "Running", conditions: [...own, condition("gate/a", "True")] });
    assert.deepEqual(api.actions, []);
  });

  it("is not sent where the pod has it, beside what others wrote", async () => {
    const ready = condition("Ready", "True");
    const gate = condition("gate/a", "True");
    const pod = await create({
      phase: "Running",
      nominatedNodeName: "kept",
      conditions: [gate, { ...ready, lastProbeTime: null } as never],
    });
    api.actions.length = 0;
    await send(pod, { phase: "Running", conditions: [ready, gate] });
    assert.deepEqual(api.actions, []);
    await send(pod, { phase: "Running", conditions: [gate] });
    assert.deepEqual(await types(), ["gate/a=True"]);
  });

  it("is sent where the pod has more under a name that objects inherit", async () => {
    const one = (limits: object) => ({ name: "a", image: "i", resources: { limits } }) as never;
    const pod = await create({ phase: "Running", containerStatuses: [one({ cpu: "1", constructor: "1" })] });
    api.actions.length = 0;
    await send(pod, { phase: "Running", containerStatuses: [one({ cpu: "1" })] });
    assert.equal(api.actions.length, 1);
  });

  describe("held for another to follow", () => {
    const phases = () => api.actions.map(({ body }) => (body as Pod).status?.phase);
    let pod: Pod;
    beforeEach(async () => {
      pod = await create({ phase: "Pending" });
      api.actions.length = 0;
    });

    it("is not sent where the other comes in time, which is sent at once", async () => {
      statuses.set(pod, { phase: "Failed" }, 1000);
      await clock.advance(999);
      assert.deepEqual(phases(), []);
      await send(pod, { phase: "Running" });
      assert.deepEqual(phases(), ["Running"]);
      await clock.advance(5000);
      assert.deepEqual(phases(), ["Running"]);
    });

    it("is sent when its time is over, though others were held after it", async () => {
      statuses.set(pod, { phase: "Failed" }, 1000);
      await clock.advance(600);
      statuses.set(pod, { phase: "Unknown" }, 1000);
      await clock.advance(399);
      assert.deepEqual(phases(), []);
      await clock.advance(1);
      await statuses.settled("u", tasks.signal);
      assert.deepEqual(phases(), ["Unknown"]);
    });

    it("is nothing to send where the pod is again as it was", async () => {
      await send(pod, { phase: "Running" });
      statuses.set(pod, { phase: "Failed" }, 1000);
      await clock.advance(500);
      statuses.set(pod, { phase: "Running" });
      await clock.advance(5000);
      assert.deepEqual(phases(), ["Running"]);
    });
  });

  it("is refused for another pod of the name", async () => {
    const pod = await create({ phase: "Pending" });
    await api.delete(resources.pods, ref);
    await api.create(resources.pods, { metadata: { ...ref, uid: "v" }, spec: { containers: [] } } as never);
    await send(pod, { phase: "Running" });
    assert.deepEqual(await stored(), {});
  });
});
