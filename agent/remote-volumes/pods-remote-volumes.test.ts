import { strict as assert } from "node:assert";
import { join } from "node:path";
import { ConnectionError } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import type { Container, Pod } from "../../client/types.ts";
import { noCsi, noExpansion } from "../csi/testing/no-csi.ts";
import { ClaimedVolumes } from "../volumes/claimed-volumes.ts";
import { PodVolumes } from "../volumes/pod-volumes.ts";
import { mountPoints } from "../volumes/sub-paths.ts";
import { RemoteRig } from "./testing/remote-rig.ts";

const { signal } = new AbortController();

describe("pods with volumes of other machines", () => {
  let rig: RemoteRig;
  let api: FakeApi;
  before(async function () {
    if (process.getuid?.() !== 0) return this.skip();
    rig = await RemoteRig.open();
  });
  after(() => rig?.close());
  beforeEach(async () => {
    api = new FakeApi();
    await rig.calls();
  });

  /** As an agent makes it. */
  const podVolumes = () => {
    const remote = rig.volumes();
    const claimed = new ClaimedVolumes({
      client: api,
      nodeName: "n1",
      nodeLabels: async () => ({}),
      folder: join(rig.dir, "local-volumes"),
      csi: noCsi,
      remote,
      expansion: noExpansion,
      events: () => ({ record: () => undefined }),
    });
    return new PodVolumes({
      dir: join(rig.dir, "pods"),
      sources: {} as never,
      tokens: { token: async () => "", forget: () => undefined },
      claimed,
      csi: noCsi,
      remote,
      mountsSubPaths: true,
      recursiveReadOnly: false,
    });
  };
  const container = {
    name: "c",
    volumeMounts: [{ name: "data", mountPath: "/data" }],
  } as Container;
  const podOf = (uid: string, volume: object): Pod =>
    rig.pod(uid, { containers: [container], volumes: [{ name: "data", ...volume }] as never });
  const allocatable = { cpuMillis: 1000, memoryBytes: 1, storageBytes: 1 };
  const mountsOf = async (pod: Pod, volumes = podVolumes()) => {
    await volumes.prepare(pod, { nodeIp: "10.0.0.1", podIp: "", allocatable }, signal);
    const sources = { env: new Map<string, string>(), imageFolders: new Map<string, string>(), signal };
    const [mount] = await volumes.mountsOf(pod, container, sources);
    return [mount?.hostPath, mount?.readOnly];
  };

  /** A claim `data` that is bound to an NFS volume. */
  async function bound(more: object = {}): Promise<void> {
    const { metadata } = await api.create(resources.persistentvolumeclaims, {
      metadata: {
        name: "data",
        namespace: "shop",
        annotations: { "pv.kubernetes.io/bind-completed": "yes" },
      },
      spec: { volumeName: "pv1" },
      status: { phase: "Bound" },
    } as never);
    await api.create(resources.persistentvolumes, {
      metadata: { name: "pv1" },
      spec: {
        claimRef: { name: "data", namespace: "shop", uid: metadata.uid },
        nfs: { server: "files", path: "/" },
        mountOptions: ["soft"],
        ...more,
      },
      status: { phase: "Bound" },
    } as never);
  }
  const claim = { persistentVolumeClaim: { claimName: "data" } };

  it("have their own mounted in their folders, and unmounted before anything of them is deleted", async () => {
    const pod = podOf("inline", { nfs: { server: "files", path: "/", readOnly: true } });
    const folder = join(rig.dir, "pods/inline/volumes/data");
    const volumes = podVolumes();
    assert.deepEqual(await mountsOf(pod, volumes), [folder, true]);
    assert.deepEqual(await rig.calls(), [`mount -t nfs -o ro files:/ ${folder}`]);
    await volumes.remove("inline");
    assert.ok(!(await mountPoints()).includes(folder));
  });

  it("have those of their claims, also where the API is gone by then", async () => {
    await bound();
    const pod = podOf("claiming", claim);
    const folder = join(rig.dir, "pods/claiming/volumes/data");
    assert.deepEqual(await mountsOf(pod), [folder, false]);
    assert.deepEqual(await rig.calls(), [`mount -t nfs -o soft files:/ ${folder}`]);
    api.intercept = async () => {
      throw new ConnectionError("no answer", { neverSent: true });
    };
    const next = podVolumes();
    assert.deepEqual(await mountsOf(pod, next), [folder, false]);
    assert.deepEqual(await rig.calls(), []);
    await next.clear("claiming");
    assert.ok(!(await mountPoints()).includes(folder));
  });

  it("have one that is for one pod alone only once", async () => {
    await bound({ accessModes: ["ReadWriteOncePod"] });
    const volumes = podVolumes();
    await mountsOf(podOf("first", claim), volumes);
    const second = podOf("second", claim);
    await assert.rejects(
      mountsOf(second, volumes),
      /volume uses the ReadWriteOncePod access mode and is already in use/,
    );
    await volumes.remove("first");
    assert.equal((await mountsOf(second, volumes))[1], false);
    await volumes.remove("second");
  });
});
