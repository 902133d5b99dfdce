import assert from "node:assert/strict";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { Prng } from "../../../base/os/random.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import { runScheduler } from "../scheduler.ts";
import { insideConfig } from "../testing/test-profile.ts";

const hostKey = "kubernetes.io/hostname";
const selectedNode = "volume.kubernetes.io/selected-node";
const completed = { "pv.kubernetes.io/bind-completed": "yes" };

describe("controlplane/scheduler/storage", () => {
  const clock = () => new ManualClock();

  async function begin(time: ManualClock) {
    const api = new FakeApi();
    for (const name of ["n1", "n2"])
      await api.create(resources.nodes, {
        metadata: { name, labels: { [hostKey]: name } },
        spec: {},
        status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110" } },
      });
    for (const [name, volumeBindingMode] of [
      ["late", "WaitForFirstConsumer"],
      ["soon", "Immediate"],
    ])
      await api.create(resources.storageclasses, {
        metadata: { name },
        provisioner: name === "late" ? "example.com/p" : "example.com/q",
        volumeBindingMode,
      } as never);
    const os = {
      clock: time,
      random: new Prng(1),
      disk: systemDisk,
      log: silentLog,
      metrics: new MetricsRegistry(),
    };
    const config = insideConfig;
    const scheduler = runScheduler(config, api, os);
    await time.advance(100);
    return { api, scheduler };
  }

  const pod = (name: string, claimName: string) =>
    ({
      metadata: { name, namespace: "n" },
      spec: {
        containers: [{ name: "c" }],
        volumes: [{ name: "v", persistentVolumeClaim: { claimName } }],
      },
    }) as never;
  const claim = (
    name: string,
    storageClassName: string,
    more: { meta?: object; spec?: object; status?: object } = {},
  ) =>
    ({
      metadata: { name, namespace: "n", ...more.meta },
      spec: { storageClassName, accessModes: ["ReadWriteOnce"], ...more.spec },
      status: { phase: "Pending", ...more.status },
    }) as never;
  const volume = (name: string, node: string, more: object = {}) =>
    ({
      metadata: { name },
      spec: {
        storageClassName: "late",
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: hostKey, operator: "In", values: [node] }] }],
          },
        },
        ...more,
      },
      status: { phase: "Available" },
    }) as never;
  const nodeOf = (api: FakeApi, name: string) =>
    api.all(resources.pods).find(({ metadata }) => metadata.name === name)?.spec.nodeName;
  const why = (api: FakeApi, name: string) =>
    api
      .all(resources.pods)
      .find(({ metadata }) => metadata.name === name)
      ?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message;

  it("puts a pod only where its claim's volume can be reached, and waits for one that it cannot have yet", async () => {
    const time = clock();
    const { api, scheduler } = await begin(time);
    await api.create(resources.persistentvolumes, volume("v2", "n2"));
    await api.create(
      resources.persistentvolumeclaims,
      claim("bound", "late", {
        meta: { annotations: completed },
        spec: { volumeName: "v2" },
        status: { phase: "Bound" },
      }),
    );
    await api.create(resources.persistentvolumeclaims, claim("unbound", "soon"));
    for (const name of ["bound", "unbound", "missing"]) await api.create(resources.pods, pod(name, name));
    await time.advance(200);
    assert.equal(nodeOf(api, "bound"), "n2");
    const none = "0/2 nodes are available:";
    const preemption = `preemption: ${none} 2 Preemption is not helpful for scheduling.`;
    assert.equal(
      why(api, "unbound"),
      `${none} pod has unbound immediate PersistentVolumeClaims. ${preemption}`,
    );
    assert.equal(why(api, "missing"), `${none} persistentvolumeclaim "missing" not found. ${preemption}`);
    await scheduler.stop();
  });

  it("says which volume conflicts with every node", async () => {
    const time = clock();
    const { api, scheduler } = await begin(time);
    await api.create(resources.persistentvolumes, volume("gone", "n3"));
    const bound = {
      meta: { annotations: completed },
      spec: { volumeName: "gone" },
      status: { phase: "Bound" },
    };
    await api.create(resources.persistentvolumeclaims, claim("far", "late", bound));
    await api.create(resources.pods, pod("p", "far"));
    await time.advance(200);
    assert.match(why(api, "p") ?? "", /2 node\(s\) didn't match PersistentVolume's node affinity\./);
    await scheduler.stop();
  });

  it("chooses the node of a claim that waits for its first consumer, and binds the pod once the claim is bound", async () => {
    const time = clock();
    const { api, scheduler } = await begin(time);
    await api.create(resources.persistentvolumeclaims, claim("data", "late"));
    await api.create(resources.pods, pod("p", "data"));
    await time.advance(200);
    const [asked] = api.all(resources.persistentvolumeclaims);
    const node = asked?.metadata.annotations?.[selectedNode] ?? "";
    assert.match(node, /^n[12]$/);
    assert.equal(nodeOf(api, "p"), undefined);
    // A second pod of the claim goes where the claim goes.
    await api.create(resources.pods, pod("q", "data"));
    await time.advance(200);
    await api.create(resources.persistentvolumes, volume("made", node));
    await api.patch(
      resources.persistentvolumeclaims,
      { name: "data", namespace: "n" },
      { metadata: { annotations: completed }, spec: { volumeName: "made" }, status: { phase: "Bound" } },
      { type: "merge" },
    );
    await time.advance(200);
    assert.deepEqual([nodeOf(api, "p"), nodeOf(api, "q")], [node, node]);
    await scheduler.stop();
  });

  it("chooses no node from which its driver says that there is too little space, until there is more", async () => {
    const time = clock();
    const { api, scheduler } = await begin(time);
    await api.create(resources.csidrivers, {
      metadata: { name: "example.com/p" },
      spec: { storageCapacity: true },
    } as never);
    const space = (name: string, node: string, more: object) =>
      api.create(resources.csistoragecapacities, {
        metadata: { name, namespace: "kube-system" },
        storageClassName: "late",
        nodeTopology: { matchLabels: { [hostKey]: node } },
        ...more,
      } as never);
    await space("one", "n1", { capacity: "10Gi", maximumVolumeSize: "1Gi" });
    await space("elsewhere", "n2", { capacity: "10Gi", storageClassName: "soon" });
    const sized = { spec: { resources: { requests: { storage: "2Gi" } } } };
    await api.create(resources.persistentvolumeclaims, claim("data", "late", sized));
    await api.create(resources.pods, pod("p", "data"));
    await time.advance(200);
    assert.match(why(api, "p") ?? "", /2 node\(s\) did not have enough free storage\./);
    await space("two", "n2", { capacity: "2Gi" });
    await time.advance(15_000);
    const [asked] = api.all(resources.persistentvolumeclaims);
    assert.equal(asked?.metadata.annotations?.[selectedNode], "n2");
    await scheduler.stop();
  });

  it("looks for another node when the provisioner gives one back", async () => {
    const time = clock();
    const { api, scheduler } = await begin(time);
    await api.create(resources.persistentvolumeclaims, claim("data", "late"));
    await api.create(resources.pods, pod("p", "data"));
    await time.advance(200);
    const ref = { name: "data", namespace: "n" };
    await api.patch(
      resources.persistentvolumeclaims,
      ref,
      { metadata: { annotations: { [selectedNode]: null } } },
      { type: "merge" },
    );
    await time.advance(200);
    const message =
      'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"';
    const events = api.all(resources.events).filter(({ reason }) => reason === "FailedScheduling");
    assert.ok(events.some((event) => event.message?.includes(message)));
    await time.advance(10_000);
    assert.match(
      api.all(resources.persistentvolumeclaims)[0]?.metadata.annotations?.[selectedNode] ?? "",
      /^n/,
    );
    await scheduler.stop();
  });

  it("keeps a free volume for the claim, each for one, on the node it chose", async () => {
    const time = clock();
    const { api, scheduler } = await begin(time);
    await api.create(resources.persistentvolumes, volume("v1", "n1"));
    await api.create(resources.persistentvolumes, volume("w1", "n1"));
    for (const name of ["a", "b"]) {
      await api.create(resources.persistentvolumeclaims, claim(name, "late"));
      await api.create(resources.pods, pod(name, name));
    }
    await time.advance(200);
    const kept = api.all(resources.persistentvolumes).map(({ spec }) => spec.claimRef?.name);
    assert.deepEqual(
      kept.filter(Boolean).length <= 2 && new Set(kept.filter(Boolean)).size,
      kept.filter(Boolean).length,
    );
    const selected = api
      .all(resources.persistentvolumeclaims)
      .filter((one) => one.metadata.annotations?.[selectedNode]);
    assert.equal(kept.filter(Boolean).length + selected.length, 2, "each claim is provided for");
    await scheduler.stop();
  });
});
