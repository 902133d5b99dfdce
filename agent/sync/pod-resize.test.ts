import { strict as assert } from "node:assert";
import type { Container, Pod } from "../../client/types.ts";
import type { Rejection } from "../admission/fits-node.ts";
import { WorkerRig } from "./testing/worker-rig.ts";

const asking = (cpu: string, memory = "64Mi", more: Partial<Container> = {}): Container => ({
  name: "c",
  image: "i",
  command: ["run"],
  resources: { requests: { cpu, memory }, limits: { cpu, memory } },
  ...more,
});

describe("PodWorker resizes containers as they run", () => {
  let rig: WorkerRig;
  beforeEach(async () => {
    rig = await WorkerRig.open();
  });
  afterEach(() => rig.close());

  const resize = (container: Container, generation = 2) =>
    rig.patch({ metadata: { generation }, spec: { containers: [container] } });
  const shown = ({ status }: Pod) => status?.containerStatuses?.[0];
  const condition = ({ status }: Pod, type: string) => status?.conditions?.find((one) => one.type === type);
  const reasons = () => rig.events.map(({ reason }) => reason).filter((one) => one.startsWith("Resize"));

  it("and says what they have and were granted", async () => {
    await rig.run({ containers: [asking("100m")] });
    const id = await rig.untilRunning();
    await resize(asking("200m", "128Mi"));
    const pod = await rig.untilPod((one) => shown(one)?.resources?.limits?.cpu === "200m", "resized");
    assert.deepEqual(shown(pod)?.allocatedResources, { cpu: "200m", memory: "128Mi" });
    assert.equal(shown(pod)?.restartCount, 0);
    const { cpuQuotaUs, memoryBytesMost } = rig.runtime.configOf(id).resources;
    assert.deepEqual([cpuQuotaUs, memoryBytesMost], [20_000, 128 * 1024 * 1024]);
    await rig.untilPod((one) => condition(one, "PodResizeInProgress") === undefined, "completed");
    assert.deepEqual(reasons(), ["ResizeStarted", "ResizeCompleted"]);
    assert.match(
      rig.events.find(({ reason }) => reason === "ResizeStarted")?.message ?? "",
      /^Pod resize started: \{"containers":\[\{"name":"c","resources":.*"generation":2\}$/,
    );
  });

  it("by restarting those whose policy says so", async () => {
    const resizePolicy = [{ resourceName: "cpu", restartPolicy: "RestartContainer" }];
    await rig.run({ containers: [asking("100m", "64Mi", { resizePolicy })] });
    const id = await rig.untilRunning();
    await resize(asking("100m", "128Mi", { resizePolicy }));
    await rig.untilPod((one) => shown(one)?.resources?.limits?.memory === "128Mi", "memory resized in place");
    assert.equal(rig.running().get("c"), id);
    await resize(asking("200m", "128Mi", { resizePolicy }), 3);
    const next = await rig.untilRunning("c", id);
    assert.equal(rig.runtime.configOf(next).resources.cpuQuotaUs, 20_000);
    assert.ok(rig.events.some(({ message }) => message === "Container c resize requires restart"));
    const pod = await rig.untilPod((one) => shown(one)?.resources?.limits?.cpu === "200m", "cpu resized");
    assert.equal(shown(pod)?.restartCount, 1);
  });

  it("once there is room, and until then tells why not", async () => {
    let answer: Rejection | undefined = {
      reason: "OutOfcpu",
      message: "Node didn't have enough resource: cpu",
    };
    const admission = {
      admit: async () => undefined,
      resize: async () => answer,
      take: () => undefined,
      forget: () => undefined,
    };
    Object.assign(rig.context, { admission });
    await rig.run({ containers: [asking("100m")] });
    const id = await rig.untilRunning();
    await resize(asking("900m"));
    const waiting = await rig.untilPod((one) => condition(one, "PodResizePending") !== undefined, "pending");
    const { reason, message, observedGeneration, status } = condition(waiting, "PodResizePending") ?? {};
    assert.deepEqual([reason, message, observedGeneration, status], ["Deferred", answer?.message, 2, "True"]);
    assert.equal(shown(waiting)?.allocatedResources?.cpu, "100m");
    assert.equal(rig.runtime.configOf(id).resources.cpuQuotaUs, 10_000);
    answer = undefined;
    const pod = await rig.untilPod((one) => shown(one)?.resources?.limits?.cpu === "900m", "resized later");
    assert.equal(condition(pod, "PodResizePending"), undefined);
    assert.deepEqual(reasons(), ["ResizeDeferred", "ResizeStarted", "ResizeCompleted"]);
  });

  it("not where containers are plain processes, which it calls infeasible", async () => {
    Object.assign(rig.context, { scheme: "process" });
    await rig.run({ containers: [asking("100m")] });
    await rig.untilRunning();
    await resize(asking("200m"));
    const pod = await rig.untilPod((one) => condition(one, "PodResizePending") !== undefined, "pending");
    assert.equal(condition(pod, "PodResizePending")?.reason, "Infeasible");
    assert.match(condition(pod, "PodResizePending")?.message ?? "", /without control groups/);
    await resize(asking("100m"), 3);
    await rig.untilPod((one) => condition(one, "PodResizePending") === undefined, "taken back");
  });

  it("never to less memory than they use", async () => {
    await rig.run({ containers: [asking("100m", "64Mi")] });
    await rig.untilRunning();
    rig.runtime.containerStats = async () => ({
      cpuNanos: 0,
      memoryBytes: 50 * 1024 * 1024,
      workingSetBytes: 0,
    });
    await resize(asking("100m", "32Mi"));
    const pod = await rig.untilPod(
      (one) => condition(one, "PodResizeInProgress")?.reason === "Error",
      "failing",
    );
    assert.equal(
      condition(pod, "PodResizeInProgress")?.message,
      'cannot decrease memory limits: attempting to set container "c" memory limit (33554432) below current usage (52428800)',
    );
    assert.equal(shown(pod)?.resources?.limits?.memory, "64Mi");
  });

  it("also when the agent was away as the wish came", async () => {
    await rig.run({ containers: [asking("100m")] });
    const id = await rig.untilRunning();
    await rig.untilPod((one) => shown(one)?.state?.running !== undefined, "running");
    await rig.stopAgent();
    await resize(asking("300m"));
    await rig.startAgent();
    await rig.untilPod((one) => shown(one)?.resources?.limits?.cpu === "300m", "resized");
    assert.equal(rig.runtime.configOf(id).resources.cpuQuotaUs, 30_000);
  });

  it("and the pod as a whole: its group is widened first and narrowed last, and a new agent goes on", async () => {
    const did: string[] = [];
    const limit = async (_uid: string, { cpuQuotaUs }: { readonly cpuQuotaUs: number }) =>
      void did.push(`group ${cpuQuotaUs}`);
    Object.assign(rig.context, { podGroups: { limit } });
    const update = rig.runtime.updateContainer.bind(rig.runtime);
    rig.runtime.updateContainer = async (id, resources, annotations) => {
      did.push(`container ${resources.cpuQuotaUs}`);
      await update(id, resources, annotations);
    };
    const whole = (cpu: string) => ({ requests: { cpu }, limits: { cpu } });
    const asked = (cpu: string, generation: number) =>
      rig.patch({ metadata: { generation }, spec: { resources: whole(cpu) } });
    const untilShown = (cpu: string) =>
      rig.untilPod(({ status }) => status?.resources?.limits?.cpu === cpu, `has ${cpu}`);
    await rig.run({ containers: [{ name: "c", image: "i", command: ["run"] }], resources: whole("1") });
    const id = await rig.untilRunning();
    assert.equal(rig.runtime.configOf(id).resources.cpuQuotaUs, 100_000);
    assert.deepEqual(did.splice(0), ["group 100000"]);
    await asked("2", 2);
    const { status } = await untilShown("2");
    assert.deepEqual(status?.allocatedResources, { cpu: "2" });
    assert.deepEqual(did.splice(0), ["group 200000", "container 200000"]);
    await asked("500m", 3);
    await untilShown("500m");
    assert.deepEqual(did.splice(0), ["container 50000", "group 50000"]);
    assert.equal(rig.running().get("c"), id);
    await rig.stopAgent();
    await asked("1", 4);
    await rig.startAgent();
    await untilShown("1");
    assert.deepEqual(did, ["group 100000", "container 100000"]);
  });

  it("and moves them to other CPUs, but for those that have theirs, which no quota holds beside", async () => {
    let shared = "0-3";
    const cpusOf = (_uid: string, name: string) =>
      name === "own" ? { cpus: "4", isExclusive: true } : { cpus: shared, isExclusive: false };
    const groups: number[] = [];
    Object.assign(rig.context, {
      cpus: { cpusOf, hasExclusive: () => true },
      podGroups: {
        limit: async (_: string, group: { cpuQuotaUs: number }) => void groups.push(group.cpuQuotaUs),
      },
    });
    const own = asking("1", "64Mi", { name: "own" });
    await rig.run({ containers: [own, asking("500m")] });
    const id = await rig.untilRunning();
    const ownId = await rig.untilRunning("own");
    const has = (one: string) => {
      const { cpus, cpuQuotaUs } = rig.runtime.configOf(one).resources;
      return [cpus, cpuQuotaUs];
    };
    assert.deepEqual([has(ownId), has(id), groups], [["4", 0], ["0-3", 50_000], [0]]);
    shared = "2-3";
    rig.wake();
    await rig.until(() => (has(id)[0] === "2-3" ? true : undefined), "moved");
    assert.deepEqual(has(ownId), ["4", 0]);
    assert.equal(rig.running().get("c"), id);
    assert.deepEqual(reasons(), []);
    await rig.patch({ metadata: { generation: 2 }, spec: { containers: [own, asking("1")] } });
    const pod = await rig.untilPod((one) => condition(one, "PodResizePending") !== undefined, "told");
    const { reason, message } = condition(pod, "PodResizePending") ?? {};
    assert.deepEqual(
      [reason, message],
      ["Infeasible", 'Resize is infeasible for Guaranteed Pods alongside CPU Manager policy "static"'],
    );
  });

  it("but for memory that is their own", async () => {
    Object.assign(rig.context, { memory: { numasOf: () => "1" } });
    await rig.run({ containers: [asking("1", "64Mi")] });
    const id = await rig.untilRunning();
    assert.equal(rig.runtime.configOf(id).resources.memoryNumas, "1");
    await rig.patch({ metadata: { generation: 2 }, spec: { containers: [asking("1", "96Mi")] } });
    const pod = await rig.untilPod((one) => condition(one, "PodResizePending") !== undefined, "told");
    const { message } = condition(pod, "PodResizePending") ?? {};
    assert.equal(
      message,
      'Resize is infeasible for Guaranteed Pods alongside Memory Manager policy "Static"',
    );
  });
});
