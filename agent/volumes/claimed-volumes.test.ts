import assert from "node:assert/strict";
import { access, chown, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectionError } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import type { Pod, Volume } from "../../client/types.ts";
import { noCsi, noExpansion } from "../csi/testing/no-csi.ts";
import { noRemote } from "../remote-volumes/testing/no-remote.ts";
import { ClaimedVolumes } from "./claimed-volumes.ts";

describe("volumes of claims", () => {
  let root: string;
  let api: FakeApi;
  let folder: string;
  let events: string[];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-claims-"));
    folder = join(root, "local-volumes");
    api = new FakeApi();
    events = [];
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const claimed = () =>
    new ClaimedVolumes({
      client: api,
      nodeName: "n1",
      nodeLabels: async () => ({ zone: "a" }),
      folder,
      csi: noCsi,
      remote: noRemote,
      expansion: noExpansion,
      events: () => ({ record: (_, { reason, message }) => void events.push(`${reason} ${message}`) }),
    });
  const { signal } = new AbortController();
  const volume = { name: "v", persistentVolumeClaim: { claimName: "data" } };
  const pod = { metadata: { name: "p", namespace: "n", uid: "u" }, spec: { containers: [] } } as never as Pod;
  const own = (node = "n1") => ({
    local: { path: join(folder, "pv1") },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
      },
    },
  });

  /** A claim that is bound to a volume with that spec. */
  async function bound(spec: object): Promise<void> {
    const claim = await api.create(resources.persistentvolumeclaims, {
      metadata: { name: "data", namespace: "n", annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
      spec: { volumeName: "pv1" },
      status: { phase: "Bound" },
    } as never);
    const { uid } = claim.metadata;
    await api.create(resources.persistentvolumes, {
      metadata: { name: "pv1", annotations: { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" } },
      spec: {
        claimRef: { name: "data", namespace: "n", uid },
        ...spec,
      },
      status: { phase: "Bound" },
    } as never);
  }
  const pathOf = (one = claimed()) => one.pathOf({ pod, volume, podDir: join(root, "pods", "u"), signal });

  it("are folders that the node makes where they are its own, open to all, and found again without the API", async () => {
    await bound(own());
    const path = await pathOf();
    assert.equal(path, join(folder, "pv1"));
    assert.equal((await stat(path)).mode & 0o777, 0o777);
    api.intercept = async () => {
      throw new ConnectionError("no answer", { neverSent: true });
    };
    const later = claimed();
    assert.equal(await pathOf(later), path);
    assert.equal(later.isUsed(path), true);
    later.forget(join(root, "pods", "u"));
    assert.equal(later.isUsed(path), false);
  });

  it("are a pod's own only where the claim was made for it", async () => {
    const ownVolume = { name: "data", ephemeral: { volumeClaimTemplate: { spec: {} } } } as never;
    const path = (one: Pod) =>
      claimed().pathOf({ pod: one, volume: ownVolume, podDir: join(root, "pods", one.metadata.uid), signal });
    const claim = await api.create(resources.persistentvolumeclaims, {
      metadata: {
        name: "p-data",
        namespace: "n",
        annotations: { "pv.kubernetes.io/bind-completed": "yes" },
        ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "u", controller: true }],
      },
      spec: { volumeName: "pv1" },
      status: { phase: "Bound" },
    } as never);
    await api.create(resources.persistentvolumes, {
      metadata: { name: "pv1", annotations: { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" } },
      spec: { claimRef: { name: "p-data", namespace: "n", uid: claim.metadata.uid }, ...own() },
    } as never);
    assert.equal(await path(pod), join(folder, "pv1"));
    const other = { ...pod, metadata: { ...pod.metadata, uid: "other" } };
    await assert.rejects(
      path(other),
      /^ConfigError: .*PVC n\/p-data was not created for pod n\/p \(pod is not owner\)$/,
    );
  });

  it("are waited for until the claim is bound, saying what is lacking", async () => {
    await assert.rejects(
      pathOf(),
      /^ConfigError: error processing PVC n\/data: persistentvolumeclaim "data" not found$/,
    );
    await api.create(resources.persistentvolumeclaims, {
      metadata: { name: "data", namespace: "n" },
      spec: {},
      status: { phase: "Pending" },
    } as never);
    await assert.rejects(pathOf(), /error processing PVC n\/data: PVC is not bound/);
  });

  it("are not shown on a node that does not reach them, and are never made there", async () => {
    await bound(own("n2"));
    await assert.rejects(pathOf(), /storage node affinity check failed for volume "pv1"/);
    await assert.rejects(access(folder));
  });

  it("are given to the group of the pod that has them first, with all that is in them", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const there = join(root, "there");
    const file = join(there, "sub", "file");
    await mkdir(join(there, "sub"), { recursive: true });
    await writeFile(file, "", { mode: 0o600 });
    await bound({ local: { path: there }, nodeAffinity: own().nodeAffinity });
    const inGroup = (uid: string, fsGroup: number, more: object = {}) =>
      ({
        metadata: { name: uid, namespace: "n", uid },
        spec: { containers: [], securityContext: { fsGroup, ...more } },
      }) as never as Pod;
    const show = (one: ClaimedVolumes, of: Pod, podVolume: Volume = volume) =>
      one.pathOf({ pod: of, volume: podVolume, podDir: join(root, "pods", of.metadata.uid), signal });
    const seen = async (path: string) => {
      const { gid, mode } = await stat(path);
      return `${gid} ${(mode & 0o7777).toString(8)}`;
    };
    const readOnly = { name: "v", persistentVolumeClaim: { claimName: "data", readOnly: true } };
    await show(claimed(), inGroup("reads", 4000), readOnly);
    assert.match(await seen(there), /^0 /);
    const first = claimed();
    await show(first, inGroup("a", 5000));
    assert.deepEqual([await seen(there), await seen(file)], ["5000 2775", "5000 660"]);
    await show(first, inGroup("b", 5000));
    assert.deepEqual(events, []);
    await show(first, inGroup("c", 6000));
    assert.match(await seen(there), /^5000 /);
    assert.deepEqual(events, [
      "AlreadyMountedVolume The requested fsGroup is 6000, but the volume pv1 has GID 5000. The volume may not be shareable.",
    ]);
    await chown(file, 0, 0);
    await show(claimed(), inGroup("d", 5000, { fsGroupChangePolicy: "OnRootMismatch" }));
    assert.match(await seen(file), /^0 /);
    await show(claimed(), inGroup("e", 5000));
    assert.match(await seen(file), /^5000 /);
  });

  it("are one pod's alone where they are to be, until that is gone", async () => {
    await bound({ ...own(), accessModes: ["ReadWriteOncePod"] });
    const one = claimed();
    const path = await pathOf(one);
    assert.equal(await pathOf(one), path);
    const other = { ...pod, metadata: { ...pod.metadata, name: "q", uid: "other" } };
    const asOther = () => one.pathOf({ pod: other, volume, podDir: join(root, "pods", "other"), signal });
    await assert.rejects(
      asOther(),
      /^ConfigError: volume uses the ReadWriteOncePod access mode and is already in use/,
    );
    one.forget(join(root, "pods", "u"));
    assert.equal(await asOther(), path);
  });

  it("may be folders of the host, which must be there, and nothing else", async () => {
    const there = join(root, "there");
    await mkdir(there);
    await bound({ local: { path: there }, nodeAffinity: own().nodeAffinity });
    assert.equal(await pathOf(), there);
    const refusals: readonly (readonly [object, RegExp])[] = [
      [{ local: { path: join(root, "not-there") } }, /is not a folder/],
      [
        { glusterfs: { endpoints: "e", path: "/" } },
        /^ConfigError: spec.glusterfs of persistent volume pv1 is not supported by this node$/,
      ],
      [{ ...own(), volumeMode: "Block" }, /spec.volumeMode: Block of persistent volume pv1 is not supported/],
      [{ ...own(), mountOptions: ["ro"] }, /spec.mountOptions of persistent volume pv1 is not supported/],
      [{ hostPath: { path: join(root, "none"), type: "Directory" } }, /hostPath type check failed/],
    ];
    for (const [spec, why] of refusals) {
      api = new FakeApi();
      await bound(spec);
      await rm(join(root, "pods"), { recursive: true, force: true });
      await assert.rejects(pathOf(), why);
    }
  });
});
