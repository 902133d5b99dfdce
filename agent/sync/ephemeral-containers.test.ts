import { strict as assert } from "node:assert";
import type { Container, Pod } from "../../client/types.ts";
import { WorkerRig } from "./testing/worker-rig.ts";

const container = (more: Partial<Container> = {}): Container => ({
  name: "c",
  image: "i",
  command: ["run"],
  ...more,
});

describe("PodWorker starts ephemeral containers", () => {
  let rig: WorkerRig;
  beforeEach(async () => {
    rig = await WorkerRig.open();
  });
  afterEach(() => rig.close());

  const ended = (id: string) => rig.runtime.containerStatus(id)?.state.phase !== "running" || undefined;

  const stateIn = ({ status }: Pod, name: string) =>
    (status?.ephemeralContainerStatuses ?? []).find((one) => one.name === name);
  const add = (...ephemeralContainers: object[]) => rig.patch({ spec: { ephemeralContainers } });

  it("beside a pod's others, whatever they do, and once each", async () => {
    await rig.run({ initContainers: [container({ name: "init" })], containers: [container()] });
    await rig.untilRunning("init");
    await add(container({ name: "look" }));
    const id = await rig.untilRunning("look");
    const pod = await rig.untilPod((one) => stateIn(one, "look")?.state?.running !== undefined, "shown");
    assert.deepEqual([pod.status?.phase, stateIn(pod, "look")?.ready], ["Pending", false]);
    assert.equal(rig.events.at(-1)?.fieldPath, "spec.ephemeralContainers{look}");
    rig.runtime.exit(id, 3);
    await rig.untilPod((one) => stateIn(one, "look")?.state?.terminated?.exitCode === 3, "ended");
    await add(container({ name: "look" }), container({ name: "again" }));
    await rig.untilRunning("again");
    assert.equal(rig.running().has("look"), false);
    await rig.stopAgent();
    await rig.runtime.removeContainer(id);
    await rig.startAgent();
    await rig.clock.advance(60_000);
    assert.equal(rig.running().has("look"), false);
  });

  it("that see the processes of the container they name, and wait where it never ran", async () => {
    await rig.run({ initContainers: [container({ name: "init" })], containers: [container()] });
    const init = await rig.untilRunning("init");
    await add(
      container({ name: "look", ...{ targetContainerName: "init" } }),
      container({ name: "early", ...{ targetContainerName: "c" } }),
      container({ name: "odd", securityContext: { procMount: "Unmasked" } }),
    );
    const id = await rig.untilRunning("look");
    assert.equal(rig.runtime.configOf(id).pidOf, init);
    const pod = await rig.untilPod(
      (one) => ["early", "odd"].every((name) => stateIn(one, name)?.state?.waiting?.message),
      "refused",
    );
    const why = (name: string) => stateIn(pod, name)?.state?.waiting;
    const reason = "CreateContainerConfigError";
    assert.deepEqual(why("early"), { reason, message: "unable to find target container c" });
    const text =
      "spec.ephemeralContainers[2].securityContext.procMount: Unmasked is not supported by this node";
    assert.deepEqual(why("odd"), { reason, message: text });
  });

  it("that end with the pod, and do not keep it from ending", async () => {
    await rig.run({ restartPolicy: "Never" });
    const main = await rig.untilRunning();
    await add(container({ name: "look" }));
    const id = await rig.untilRunning("look");
    rig.runtime.exit(main, 0);
    await rig.untilPod(({ status }) => status?.phase === "Succeeded", "Succeeded");
    await rig.later(() => ended(id), "ended with it");
  });
});
