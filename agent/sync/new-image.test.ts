import { strict as assert } from "node:assert";
import { setImmediate } from "node:timers/promises";
import { deferred } from "../../base/deferred.ts";
import type { Container, Pod } from "../../client/types.ts";
import { ImageUnavailable } from "../images/image-manager.ts";
import { WorkerRig } from "./testing/worker-rig.ts";

const container = (more: Partial<Container> = {}): Container => ({
  name: "c",
  image: "i",
  command: ["run"],
  ...more,
});
const stateOf = ({ status }: Pod) => status?.containerStatuses?.[0];

describe("a pod whose image is set anew", () => {
  let rig: WorkerRig;
  beforeEach(async () => {
    rig = await WorkerRig.open();
  });
  afterEach(() => rig.close());
  const ended = (id: string) => rig.runtime.containerStatus(id)?.state.phase !== "running" || undefined;

  for (const restartPolicy of ["Always", "Never"]) {
    it(`restarts the container with it, with restart policy ${restartPolicy}`, async () => {
      await rig.run({ restartPolicy });
      const first = await rig.untilRunning();
      await rig.patch({ spec: { containers: [container({ image: "other" })] } });
      const second = await rig.untilRunning("c", first);
      assert.equal(rig.runtime.containerStatus(second)?.image, "other");
      const pod = await rig.untilPod((one) => stateOf(one)?.restartCount === 1, "restarted");
      assert.equal(stateOf(pod)?.image, "other");
      assert.equal(pod.status?.phase, "Running");
      const said = rig.events.filter(({ reason }) => reason === "Killing").map(({ message }) => message);
      assert.deepEqual(said, ["Container c definition changed, will be restarted"]);
    });
  }

  const readyAsTold = () =>
    rig.api.actions.flatMap(({ body }) => stateOf(body as Pod) ?? []).map(({ ready }) => ready);

  it("tells the API once where the next container starts at once", async () => {
    await rig.run();
    const first = await rig.untilRunning();
    await rig.untilPod((one) => stateOf(one)?.ready === true, "ready");
    const { ensure } = rig.context.images;
    Object.assign(rig.context.images, {
      ensure: async (request: object) => {
        await setImmediate(); // time enough to send something
        return ensure(request as never);
      },
    });
    rig.api.actions.length = 0;
    await rig.patch({ spec: { containers: [container({ image: "other" })] } });
    await rig.until(() => rig.running().get("c") !== undefined && ended(first), "the next one, in no time");
    await rig.until(async () => stateOf(await rig.pod())?.restartCount === 1 || undefined, "told");
    assert.deepEqual(readyAsTold(), [true]);
  });

  it("tells the API a second later that none runs where the next one has to wait", async () => {
    await rig.run();
    const first = await rig.untilRunning();
    await rig.untilPod((one) => stateOf(one)?.ready === true, "ready");
    const [asked, pulled] = [deferred<void>(), deferred<void>()];
    const { ensure } = rig.context.images;
    Object.assign(rig.context.images, {
      ensure: (request: object) => {
        asked.resolve();
        return pulled.promise.then(() => ensure(request as never));
      },
    });
    rig.api.actions.length = 0;
    await rig.patch({ spec: { containers: [container({ image: "other" })] } });
    await asked.promise;
    assert.ok(ended(first));
    await rig.clock.advance(999);
    assert.deepEqual(readyAsTold(), []);
    await rig.clock.advance(1);
    await rig.untilPod((one) => stateOf(one)?.state?.terminated !== undefined, "told");
    pulled.resolve();
    await rig.untilPod((one) => stateOf(one)?.ready === true, "ready again");
    assert.deepEqual(readyAsTold(), [false, true]);
  });

  it("forgets that the one before could not be pulled", async () => {
    const { ensure } = rig.context.images;
    Object.assign(rig.context.images, {
      ensure: async (request: { image: string }) => {
        if (request.image === "i")
          throw new ImageUnavailable("ErrImagePull", "no such image", rig.clock.wallMs() + 1e9);
        return ensure(request as never);
      },
    });
    await rig.run();
    await rig.untilPod((one) => /Err|BackOff/.test(stateOf(one)?.state?.waiting?.reason ?? ""), "waits");
    await rig.patch({ spec: { containers: [container({ image: "other" })] } });
    await rig.untilRunning();
  });
});
