import assert from "node:assert/strict";
import fc from "fast-check";
import { resources } from "../../../client/resources.ts";
import type { AllocatedDevice } from "../../../client/rules/allocated-devices.ts";
import type { Pod, ResourceClaim } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { meta, pod } from "../testing/objects.ts";
import { deviceTaintEvictionController } from "./device-taint-eviction-controller.ts";
import { deviceEvictionMs } from "./plan-device-eviction.ts";

const driver = "gpu.acme.io";
const setMs = Date.UTC(2026, 0, 1);
const taint = (effect = "NoExecute", more: object = {}) =>
  ({ key: "broken", effect, timeAdded: "2026-01-01T00:00:00Z", ...more }) as never;
const device = (tolerations?: readonly object[]) =>
  ({ request: "r", driver, pool: "p", device: "a", ...(tolerations && { tolerations }) }) as AllocatedDevice;
const bears = (tolerationSeconds?: number, more: object = {}) => ({
  key: "broken",
  operator: "Exists",
  effect: "NoExecute",
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
  ...more,
});

describe("controlplane/controllers/devicetaints", () => {
  it("ends who does not bear it at once, who bears it for a while after that, and others never", () => {
    const dueIn = (tolerations?: readonly object[], effect?: string) => {
      const atMs = deviceEvictionMs([device(tolerations)], () => [taint(effect)]);
      return atMs === undefined ? undefined : (atMs - setMs) / 1000;
    };
    assert.equal(dueIn(), 0);
    assert.equal(dueIn([bears()]), undefined);
    assert.equal(dueIn([bears(60), bears(30)]), 30);
    assert.equal(dueIn([bears(60), bears()]), undefined);
    assert.equal(dueIn([bears(-5)]), 0);
    assert.equal(dueIn([bears(60, { key: "other" })]), 0);
    assert.equal(dueIn([bears(60, { effect: "" })]), 0, "it must name the effect");
    assert.equal(dueIn(undefined, "NoSchedule"), undefined);
  });

  it("for any devices is due when the first of them is", () => {
    const seconds = fc.option(fc.nat(100));
    fc.assert(
      fc.property(fc.array(seconds), (limits) => {
        const devices = limits.map((limit) => device([bears(limit ?? undefined)]));
        const each = devices.flatMap((one) => deviceEvictionMs([one], () => [taint()]) ?? []);
        const all = deviceEvictionMs(devices, () => [taint()]);
        assert.equal(all, each.length === 0 ? undefined : Math.min(...each));
      }),
    );
  });

  /** A pod that holds a claim of device `a`, of which its driver says nothing yet. */
  async function world(tolerations: readonly object[] = []) {
    const rig = await controllerRig(deviceTaintEvictionController);
    const { api } = rig;
    const spec = { resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }] } as Partial<Pod["spec"]>;
    await api.create(resources.pods, pod("train", { node: "n", spec }));
    await api.create(resources.resourceclaims, {
      metadata: meta("gpu"),
      spec: {},
      status: {
        allocation: { devices: { results: [device(tolerations)] } },
        reservedFor: [{ resource: "pods", name: "train", uid: "uid-train" }],
      },
    } as unknown as ResourceClaim);
    const say = (name: string, generation: number, taints: readonly object[]) =>
      api.create(resources.resourceslices, {
        metadata: { name },
        spec: {
          driver,
          pool: { name: "p", generation, resourceSliceCount: 1 },
          devices: [{ name: "a", taints }],
        },
      } as never);
    await rig.settle();
    return { ...rig, settle: () => rig.settle(), say, isThere: () => api.all(resources.pods).length === 1 };
  }

  it("deletes a pod once its device's driver says so, with a condition, an event and a figure", async () => {
    const { api, say, settle, isThere, events, meter, stop } = await world();
    let condition: string | undefined;
    api.intercept = async ({ verb, resource, body }) => {
      if (verb === "updateStatus" && resource === "pods")
        condition = (body as Pod).status?.conditions?.find(({ type }) => type === "DisruptionTarget")?.reason;
      return undefined;
    };
    await say("s1", 1, [taint("NoSchedule")]);
    await settle();
    assert.ok(isThere());
    await say("s2", 2, [taint()]);
    await settle();
    assert.ok(!isThere());
    assert.equal(condition, "DeletionByDeviceTaintManager");
    assert.deepEqual(events, ["Normal DeviceTaintManagerEviction: Marking for deletion"]);
    assert.match(await meter.text(), /device_taint_eviction_controller_pod_deletions_total 1\n/);
    await stop();
  });

  it("waits as long as the claim bears it, and not at all for what an older generation says", async () => {
    const { say, settle, isThere, clock, stop } = await world([bears(60)]);
    const timeAdded = `${new Date(clock.wallMs()).toISOString().slice(0, 19)}Z`;
    await say("s1", 1, [taint("NoExecute", { timeAdded })]);
    await settle();
    clock.advance(30_000);
    await settle();
    assert.ok(isThere());
    clock.advance(31_000);
    await settle();
    assert.ok(!isThere());
    await stop();
    const other = await world();
    await other.say("new", 2, []);
    await other.say("old", 1, [taint()]);
    await other.settle();
    assert.ok(other.isThere());
    await other.stop();
  });
});
