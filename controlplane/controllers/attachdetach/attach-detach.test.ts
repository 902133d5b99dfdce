import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { attachmentName } from "../../../client/rules/csi-volume-names.ts";
import type { Node, Pod } from "../../../client/types.ts";
import { controllerRig, type RigOptions } from "../testing/controller-rig.ts";
import { meta, node, pod } from "../testing/objects.ts";
import { attachDetachController } from "./attach-detach-controller.ts";

const csi = { driver: "d.acme.io", handle: "h" };
const name = "kubernetes.io/csi/d.acme.io^h";
const managed = { "volumes.kubernetes.io/controller-managed-attach-detach": "true" };

/** A claim bound to a volume of the driver, and nodes; what the driver's attacher and the nodes do is the test's to say. */
async function world(options: RigOptions = {}) {
  const rig = await controllerRig(attachDetachController, options);
  const { api } = rig;
  const claim = await api.create(resources.persistentvolumeclaims, {
    metadata: meta("data"),
    spec: { volumeName: "pv" },
    status: { phase: "Bound" },
  } as never);
  await api.create(resources.persistentvolumes, {
    metadata: { name: "pv" },
    spec: {
      accessModes: ["ReadWriteOnce"],
      claimRef: { name: "data", namespace: "default", uid: claim.metadata.uid },
      csi: { driver: csi.driver, volumeHandle: csi.handle },
    },
  } as never);
  for (const one of ["a", "b"]) {
    const made = node(one);
    const { namespace: _, ...metadata } = made.metadata;
    await api.create(resources.nodes, { ...made, metadata: { ...metadata, annotations: managed } });
  }
  const addPod = (podName: string, on: string) =>
    api.create(
      resources.pods,
      pod(podName, {
        node: on,
        spec: { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] } as Partial<
          Pod["spec"]
        >,
      }),
    );
  const attachments = () => api.all(resources.volumeattachments).map(({ spec }) => spec.nodeName);
  const nodeNamed = (on: string) => api.all(resources.nodes).find(({ metadata }) => metadata.name === on);
  const reported = (on: string) => (nodeNamed(on)?.status?.volumesAttached ?? []).map((one) => one.name);
  const setStatus = (on: string, status: Node["status"]) =>
    api.patch(resources.nodes, { name: on }, { status }, { type: "merge", subresource: "status" });
  return {
    ...rig,
    settle: () => rig.settle(),
    addPod,
    attachments,
    reported,
    setStatus,
    removePod: (podName: string) => api.delete(resources.pods, { name: podName, namespace: "default" }),
    /** The driver's attacher does what it is asked for. */
    async attached(on: string): Promise<void> {
      await api.patch(
        resources.volumeattachments,
        { name: attachmentName(csi, on) },
        { status: { attached: true } },
        { type: "merge", subresource: "status" },
      );
    },
  };
}

describe("controlplane/controllers/attachdetach: volumes of CSI drivers", () => {
  it("are attached for a pod, shown to its node, and detached once that has unmounted them", async () => {
    const { settle, addPod, removePod, attached, attachments, reported, setStatus, stop, events, ...rig } =
      await world();
    await addPod("p", "a");
    await settle();
    const [asked] = rig.api.all(resources.volumeattachments);
    assert.deepEqual(
      { name: asked?.metadata.name, spec: asked?.spec },
      {
        name: attachmentName(csi, "a"),
        spec: { nodeName: "a", attacher: "d.acme.io", source: { persistentVolumeName: "pv" } },
      },
    );
    assert.deepEqual(reported("a"), []);
    await attached("a");
    await settle();
    assert.deepEqual(reported("a"), [name]);
    assert.deepEqual(events, [
      'Normal SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pv" ',
    ]);
    await setStatus("a", { volumesInUse: [name] });
    await settle();
    const metrics = await rig.meter.text();
    const plugin = "kubernetes.io/csi:d.acme.io";
    assert.ok(
      metrics.includes(`storage_count_attachable_volumes_in_use{node="a",volume_plugin="${plugin}"} 1`),
    );
    for (const state of ["desired_state_of_world", "actual_state_of_world"])
      assert.ok(
        metrics.includes(`attachdetach_controller_total_volumes{plugin_name="${plugin}",state="${state}"} 1`),
      );
    await removePod("p");
    await settle();
    assert.deepEqual(attachments(), ["a"], "still mounted");
    await setStatus("a", { volumesInUse: [] });
    await settle();
    assert.deepEqual([attachments(), reported("a")], [[], []]);
    await stop();
  });

  it("are refused to a second node, once in words, and go there when the first is done", async () => {
    const { settle, addPod, removePod, attached, attachments, reported, stop, events } = await world();
    await addPod("p", "a");
    await settle();
    await attached("a");
    await settle();
    await addPod("q", "b");
    await settle();
    await addPod("q2", "b");
    await settle();
    assert.deepEqual(events.slice(1), [
      'Warning FailedAttachVolume: Multi-Attach error for volume "pv" Volume is already used by pod(s) p',
    ]);
    assert.deepEqual(attachments(), ["a"]);
    await removePod("p");
    await settle();
    assert.deepEqual(attachments(), ["b"]);
    await attached("b");
    await settle();
    assert.deepEqual([reported("a"), reported("b")], [[], [name]]);
    await stop();
  });

  it("are never taken from a node that the API says has just begun to use them", async () => {
    const { settle, addPod, removePod, attached, attachments, stop, ...rig } = await world();
    await addPod("p", "a");
    await settle();
    await attached("a");
    await settle();
    // The cache does not show it yet: the node is asked.
    rig.api.intercept = async ({ verb, resource }) => {
      if (verb !== "get" || resource !== "nodes") return undefined;
      rig.api.intercept = async () => undefined;
      await rig.api.patch(
        resources.nodes,
        { name: "a" },
        { status: { volumesInUse: [name] } },
        { type: "merge", subresource: "status" },
      );
      return undefined;
    };
    await removePod("p");
    await assert.rejects(settle(), /volume is still in use by node, according to Node status/);
    assert.deepEqual(attachments(), ["a"]);
    await stop();
  });

  it("are taken from a node that is out of service, or that was lost for too long", async () => {
    for (const reason of ["out-of-service", "timeout"]) {
      const { settle, addPod, removePod, attached, attachments, setStatus, stop, ...rig } = await world();
      await addPod("p", "a");
      await settle();
      await attached("a");
      await settle();
      await setStatus("a", { volumesInUse: [name], conditions: [{ type: "Ready", status: "Unknown" }] });
      await removePod("p");
      await settle();
      assert.deepEqual(attachments(), ["a"]);
      if (reason === "timeout") rig.clock.advance(360_000);
      else
        await rig.api.patch(
          resources.nodes,
          { name: "a" },
          { spec: { taints: [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }] } },
          { type: "merge" },
        );
      await settle();
      assert.deepEqual(attachments(), [], reason);
      assert.ok((await rig.meter.text()).includes(`forced_detaches{reason="${reason}"} 1`));
      await stop();
    }
  });

  describe("of a node that is gone", () => {
    /** A pod's volume is attached to a node, which says what it uses, and goes. */
    async function lost(volumesInUse: readonly string[]) {
      const rig = await world();
      await rig.addPod("p", "a");
      await rig.settle();
      await rig.attached("a");
      await rig.settle();
      await rig.setStatus("a", { volumesInUse: [...volumesInUse] });
      await rig.settle();
      await rig.api.delete(resources.nodes, { name: "a" });
      await rig.settle();
      return rig;
    }

    it("are taken away at once where it did not use them, but not from a pod that is still there", async () => {
      const { settle, removePod, attachments, events, meter, stop } = await lost([]);
      assert.deepEqual(attachments(), ["a"]);
      await removePod("p");
      await settle();
      assert.deepEqual(attachments(), []);
      assert.equal(events.length, 1, "nothing is said twice");
      assert.ok(!(await meter.text()).includes("forced_detaches{"));
      await stop();
    });

    it("have six minutes from when their pod went where it used them", async () => {
      const { settle, removePod, attachments, clock, meter, stop } = await lost([name]);
      clock.advance(360_000);
      await settle();
      assert.deepEqual(attachments(), ["a"], "the pod is still there");
      await removePod("p");
      await settle();
      clock.advance(359_000);
      await settle();
      assert.deepEqual(attachments(), ["a"]);
      clock.advance(1_000);
      await settle();
      assert.deepEqual(attachments(), []);
      assert.ok((await meter.text()).includes('forced_detaches{reason="timeout"} 1'));
      await stop();
    });

    it("have six minutes where nobody remembers what it used", async () => {
      const { attachments, api, clock, stop } = await lost([]);
      await stop();
      const next = await controllerRig(attachDetachController, { api, clock });
      await next.settle();
      assert.deepEqual(attachments(), ["a"]);
      clock.advance(360_000);
      await next.settle();
      assert.deepEqual(attachments(), []);
      await next.stop();
    });

    it("are as it says once it is there again", async () => {
      const { settle, attachments, reported, api, stop } = await lost([name]);
      const { namespace: _, ...metadata } = node("a").metadata;
      await api.create(resources.nodes, { ...node("a"), metadata: { ...metadata, annotations: managed } });
      await settle();
      assert.deepEqual([attachments(), reported("a")], [["a"], [name]]);
      await stop();
    });
  });

  it("are left alone where their driver attaches nothing, or the node does it itself", async () => {
    const { settle, addPod, attachments, stop, api } = await world();
    await api.create(resources.csidrivers, {
      metadata: { name: csi.driver },
      spec: { attachRequired: false },
    } as never);
    await addPod("p", "a");
    await settle();
    assert.deepEqual(attachments(), []);
    await api.patch(
      resources.csidrivers,
      { name: csi.driver },
      { spec: { attachRequired: true } },
      { type: "merge" },
    );
    await api.patch(resources.nodes, { name: "a" }, { metadata: { annotations: null } }, { type: "merge" });
    await settle();
    assert.deepEqual(attachments(), []);
    await api.patch(
      resources.nodes,
      { name: "a" },
      { metadata: { annotations: managed } },
      { type: "merge" },
    );
    await settle();
    assert.deepEqual(attachments(), ["a"]);
    await stop();
  });
});
