import assert from "node:assert/strict";
import { access, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { resources } from "../../client/resources.ts";
import { attachmentName, uniqueName } from "../../client/rules/csi-volume-names.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { PersistentVolume, Pod, Volume } from "../../client/types.ts";
import { mountPoints, removeMounts } from "../volumes/sub-paths.ts";
import { CsiDrivers } from "./csi-drivers.ts";
import { CsiVolumes } from "./csi-volumes.ts";
import { FakeDriver, refusal } from "./testing/fake-driver.ts";
import { CsiPaths } from "./volume-paths.ts";
import { inlineSource, persistentSource } from "./volume-source.ts";

const isRoot = process.getuid?.() === 0;
const driverName = "fake.example.com";

describe("volumes of CSI drivers", () => {
  let root: string;
  let api: FakeApi;
  let driver: FakeDriver;
  let drivers: CsiDrivers;
  let clock: ManualClock;
  let paths: CsiPaths;
  let due: string[];
  const { signal } = new AbortController();
  const realOs = { clock: systemClock, random: systemRandom, log: silentLog };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-csi-"));
    api = new FakeApi();
    clock = new ManualClock();
    paths = new CsiPaths(join(root, "node"));
    due = [];
    driver = new FakeDriver(join(root, "data"));
    await mkdir(paths.registry, { recursive: true });
    await driver.listen(socket());
    drivers = new CsiDrivers({ client: api, os: realOs, nodeName: "n1" });
    await api.create(resources.nodes, { metadata: { name: "n1" }, spec: {}, status: {} } as never);
    await object({ attachRequired: false });
    await drivers.register(socket(), signal);
  });
  afterEach(async () => {
    drivers.close();
    driver.stop();
    if (isRoot) await removeMounts(root);
    await rm(root, { recursive: true, force: true });
  });

  const socket = () => join(paths.registry, "fake-reg.sock");
  const object = (spec: object) =>
    api.create(resources.csidrivers, { metadata: { name: driverName }, spec } as never);
  /** What an agent has that comes to these pods. */
  const open = (pods: readonly string[] = [], bootId = "boot 1", ends = signal) =>
    CsiVolumes.open(
      {
        client: api,
        os: { clock, log: silentLog },
        nodeName: "n1",
        paths,
        drivers,
        tokens: { held: async (_, { audience }) => ({ text: `for ${audience}`, expiresMs: 0 }) },
        bootId,
        onDue: (uid) => due.push(uid),
        signal: ends,
      },
      pods,
    );
  const pod = (uid = "u1", spec: object = {}) =>
    ({
      metadata: { name: `pod-${uid}`, namespace: "n", uid },
      spec: { containers: [{ name: "c" }], serviceAccountName: "account", ...spec },
    }) as never as Pod;
  const volume = (spec: object = {}, csi: object = {}) =>
    persistentSource(
      {
        metadata: { name: "pv1" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          csi: { driver: driverName, volumeHandle: "handle", volumeAttributes: { a: "b" }, ...csi },
          ...spec,
        },
      } as never as PersistentVolume,
      { podName: "v", isReadOnly: false },
    );
  const inline = (one: Pod, csi: object = {}) =>
    inlineSource(one, { name: "v", csi: { driver: driverName, ...csi } } as never as Volume);
  const calls = () =>
    driver.asked.map(({ call }) => call).filter((call) => /Stage|Publish|Unpublish|Unstage/.test(call));
  const text = (map: unknown) =>
    Object.fromEntries(
      (map as { key: string; value: unknown }[]).map(({ key, value }) => [
        key,
        Buffer.from(value as never).toString(),
      ]),
    );

  it("are staged once, published for each pod where kubelets do, and undone in the reverse order", async () => {
    const volumes = await open();
    const source = volume({ mountOptions: ["noatime"] }, { fsType: "ext4" });
    const path = await volumes.show(pod("u1"), source, signal);
    await volumes.show(pod("u2"), source, signal);
    await volumes.show(pod("u2"), source, signal);
    assert.equal(path, join(root, "node/pods/u1/volumes/kubernetes.io~csi/pv1/mount"));
    assert.equal(await readFile(join(path, "name"), "utf8"), "handle");
    assert.deepEqual(calls(), ["NodeStageVolume", "NodePublishVolume", "NodePublishVolume"]);
    const [staged] = driver.calls("NodeStageVolume");
    const [published] = driver.calls("NodePublishVolume");
    assert.match(
      String(staged?.stagingTargetPath),
      /node\/plugins\/kubernetes\.io\/csi\/fake\.example\.com\/[0-9a-f]{64}\/globalmount$/,
    );
    assert.equal(published?.stagingTargetPath, staged?.stagingTargetPath);
    assert.equal(published?.targetPath, path);
    assert.deepEqual(text(published?.volumeContext), { a: "b" });
    assert.deepEqual(JSON.parse(JSON.stringify(published?.volumeCapability)), {
      mount: { fsType: "ext4", mountFlags: ["noatime"], volumeMountGroup: "" },
      accessMode: { mode: "SINGLE_NODE_WRITER" },
    });
    assert.deepEqual(volumes.attachments.inUse, [uniqueName(source)]);
    await volumes.hideAll("u1");
    await access(String(staged?.stagingTargetPath));
    await volumes.hideAll("u2");
    assert.deepEqual(calls().slice(3), ["NodeUnpublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume"]);
    await assert.rejects(access(String(staged?.stagingTargetPath)));
    await assert.rejects(access(join(path, "..")));
    assert.deepEqual(volumes.attachments.inUse, []);
    if (isRoot) assert.ok(!(await mountPoints()).some((one) => one.startsWith(root)));
  });

  it("are one pod's alone where they are to be, until that is gone, also for an agent that comes later", async () => {
    const source = volume({ accessModes: ["ReadWriteOncePod"] });
    const first = await open();
    await first.show(pod("u1"), source, signal);
    await first.show(pod("u1"), source, signal);
    const taken =
      /^ConfigError: volume uses the ReadWriteOncePod access mode and is already in use by another pod$/;
    await assert.rejects(first.show(pod("u2"), source, signal), taken);
    first.close();
    const later = await open(["u1"]);
    await assert.rejects(later.show(pod("u2"), source, signal), taken);
    await later.hideAll("u1");
    await later.show(pod("u2"), source, signal);
    await later.hideAll("u2");
    later.close();
  });

  it("are found again by an agent that comes after one that was killed, and undone by it", async () => {
    const source = volume();
    await (await open()).show(pod(), source, signal);
    const later = await open(["u1"]);
    assert.equal(later.pathFor("u1", "v"), paths.podMount("u1", "pv1"));
    assert.deepEqual(later.attachments.inUse, [uniqueName(source)]);
    const before = calls().length;
    await later.show(pod(), source, signal);
    assert.equal(calls().length, before, "nothing is asked for again");
    await later.hideAll("u1");
    assert.deepEqual(calls().slice(before), ["NodeUnpublishVolume", "NodeUnstageVolume"]);
  });

  it("are published anew after the machine's start, and whatever became of a call that the agent did not outlive", async () => {
    const source = volume();
    driver.behaviours.set("NodePublishVolume", async () => {
      throw refusal("ABORTED", "not now");
    });
    await assert.rejects((await open()).show(pod(), source, signal), /ConfigError: .*ABORTED desc = not now/);
    driver.behaviours.clear();
    const second = await open(["u1"]);
    assert.equal(second.pathFor("u1", "v"), undefined);
    await second.show(pod(), source, signal);
    const third = await open(["u1"], "boot 2");
    assert.equal(third.pathFor("u1", "v"), undefined);
    await third.show(pod(), source, signal);
    assert.equal(driver.calls("NodePublishVolume").length, 3);
    if (isRoot) {
      await removeMounts(root);
      const afterTeardown = await open(["u1"], "boot 2");
      assert.equal(afterTeardown.pathFor("u1", "v"), undefined, "its mount is gone");
    }
    // Staged, and its pod's volume was undone: the agent died in between.
    await third.hideAll("u1");
    await mkdir(join(paths.stage(driverName, "left"), "globalmount"), { recursive: true });
    const record = JSON.stringify({ volumeHandle: "left", driverName });
    await writeFile(join(paths.stage(driverName, "left"), "vol_data.json"), record);
    const fourth = await open([]);
    assert.equal(fourth.attachments.inUse.length, 1);
    await fourth.unstageRest();
    assert.equal(driver.calls("NodeUnstageVolume").at(-1)?.volumeId, "left");
    await assert.rejects(access(paths.stage(driverName, "left")));
    assert.deepEqual(fourth.attachments.inUse, []);
  });

  it("are given up where the driver knows nothing of them, unless something is mounted", async () => {
    const unknown = async () => {
      throw refusal("NOT_FOUND", "no such volume");
    };
    for (const call of ["NodeStageVolume", "NodeUnpublishVolume", "NodeUnstageVolume"])
      driver.behaviours.set(call, unknown);
    const volumes = await open();
    await assert.rejects(volumes.show(pod(), volume(), signal), /NOT_FOUND desc = no such volume/);
    await volumes.hideAll("u1");
    assert.deepEqual(volumes.attachments.inUse, []);
    driver.behaviours.delete("NodeStageVolume");
    await volumes.show(pod(), volume(), signal);
    if (isRoot) await assert.rejects(volumes.hideAll("u1"), /left .*mount mounted/);
    driver.behaviours.clear();
    await volumes.hideAll("u1");
  });

  it("wait until they are attached, and are said to be in use before", async () => {
    await api.delete(resources.csidrivers, { name: driverName });
    const volumes = await open();
    const source = volume();
    const name = uniqueName(source);
    const attached = deferred<void>();
    api.intercept = async ({ verb, resource }) => {
      if (verb !== "patch" || resource !== "nodes") return undefined;
      return {
        after: async () => {
          api.intercept = async () => undefined;
          const node = await api.get(resources.nodes, { name: "n1" });
          assert.deepEqual(node.status?.volumesInUse, [name]);
          await api.create(resources.volumeattachments, {
            metadata: { name: attachmentName(source, "n1") },
            spec: { nodeName: "n1", attacher: driverName, source: { persistentVolumeName: "pv1" } },
            status: { attached: true, attachmentMetadata: { device: "sdb" } },
          } as never);
          const status = { volumesAttached: [{ name, devicePath: "" }] };
          await api.patch(
            resources.nodes,
            { name: "n1" },
            { status },
            { type: "merge", subresource: "status" },
          );
          attached.resolve();
        },
      };
    };
    const showing = volumes.show(pod(), source, signal);
    await attached.promise;
    assert.deepEqual(calls(), []);
    await clock.advance(1_000);
    await showing;
    assert.deepEqual(text(driver.calls("NodeStageVolume")[0]?.publishContext), { device: "sdb" });
  });

  it("tell a driver of the pod, its tokens and secrets as far as it asks for that", async () => {
    await api.create(resources.secrets, {
      metadata: { name: "s", namespace: "n" },
      data: { key: Buffer.from([0xff, 0]).toString("base64") },
    } as never);
    await api.delete(resources.csidrivers, { name: driverName });
    await object({
      attachRequired: false,
      podInfoOnMount: true,
      tokenRequests: [{ audience: "vault" }],
      volumeLifecycleModes: ["Ephemeral"],
    });
    const volumes = await open();
    const one = pod();
    const path = await volumes.show(
      one,
      inline(one, { nodePublishSecretRef: { name: "s" }, readOnly: true }),
      signal,
    );
    assert.equal(path, join(root, "node/pods/u1/volumes/kubernetes.io~csi/v/mount"));
    const [published] = driver.calls("NodePublishVolume");
    const { "csi.storage.k8s.io/serviceAccount.tokens": tokens, ...told } = text(published?.volumeContext);
    assert.deepEqual(told, {
      "csi.storage.k8s.io/pod.name": "pod-u1",
      "csi.storage.k8s.io/pod.namespace": "n",
      "csi.storage.k8s.io/pod.uid": "u1",
      "csi.storage.k8s.io/serviceAccount.name": "account",
      "csi.storage.k8s.io/ephemeral": "true",
    });
    assert.deepEqual(JSON.parse(tokens ?? ""), {
      vault: { token: "for vault", expirationTimestamp: "1970-01-01T00:00:00Z" },
    });
    assert.deepEqual(
      [...((published?.secrets as { value: Buffer }[] | undefined)?.[0]?.value ?? [])],
      [0xff, 0],
    );
    assert.match(String(published?.volumeId), /^csi-[0-9a-f]{64}$/);
    assert.equal(published?.readonly, true);
    assert.deepEqual(driver.calls("NodeStageVolume"), []);
    assert.deepEqual(volumes.attachments.inUse, []);
    await assert.rejects(volumes.show(pod("u2"), volume(), signal), /"Persistent" not supported by driver/);
    await volumes.hideAll("u1");
  });

  it("have their tokens among the secrets where the driver wants that", async () => {
    await api.delete(resources.csidrivers, { name: driverName });
    await object({
      attachRequired: false,
      tokenRequests: [{ audience: "" }],
      serviceAccountTokenInSecrets: true,
    });
    const volumes = await open();
    await volumes.show(pod(), volume(), signal);
    const [published] = driver.calls("NodePublishVolume");
    assert.deepEqual(Object.keys(text(published?.secrets)), ["csi.storage.k8s.io/serviceAccount.tokens"]);
    assert.deepEqual(text(published?.volumeContext), { a: "b" });
    await volumes.hideAll("u1");
  });

  it("are published again and again where the driver wants that, and stay when that fails", async () => {
    await api.delete(resources.csidrivers, { name: driverName });
    await object({ attachRequired: false, requiresRepublish: true });
    const volumes = await open();
    await volumes.show(pod(), volume(), signal);
    await clock.advance(60_000);
    assert.deepEqual(due, ["u1"]);
    assert.equal(volumes.pathFor("u1", "v"), undefined);
    driver.behaviours.set("NodePublishVolume", async () => {
      throw refusal("INTERNAL", "no");
    });
    await assert.rejects(volumes.show(pod(), volume(), signal), /desc = no/);
    driver.behaviours.clear();
    assert.equal(volumes.pathFor("u1", "v"), paths.podMount("u1", "pv1"));
    await clock.advance(60_000);
    await volumes.show(pod(), volume(), signal);
    assert.deepEqual(due, ["u1", "u1"]);
    assert.equal(driver.calls("NodePublishVolume").length, 3);
    assert.equal(driver.calls("NodeStageVolume").length, 1);
    await volumes.hideAll("u1");
  });

  it("are given to the pod's group by the driver's policy, or by the driver", async function () {
    if (!isRoot) this.skip();
    const volumes = await open();
    const grouped = (uid: string, more: object = {}) =>
      pod(uid, { securityContext: { fsGroup: 4321, ...more } });
    const path = await volumes.show(grouped("u1"), volume({}, { fsType: "ext4" }), signal);
    const { gid, mode } = await stat(join(path, "name"));
    assert.deepEqual([gid, mode & 0o777, (await stat(path)).mode & 0o7770], [4321, 0o664, 0o2770]);
    const shared = volume({ accessModes: ["ReadWriteMany"] }, { fsType: "ext4", volumeHandle: "shared" });
    const kept = await volumes.show(grouped("u2"), { ...shared, name: "pv2" }, signal);
    assert.equal((await stat(join(kept, "name"))).gid, 0);
    driver.abilities = ["VOLUME_MOUNT_GROUP"];
    const own = { ...volume({}, { fsType: "ext4", volumeHandle: "own" }), name: "pv3" };
    assert.equal((await stat(join(await volumes.show(grouped("u3"), own, signal), "name"))).gid, 0);
    const [, , published] = driver.calls("NodePublishVolume");
    const told = JSON.parse(JSON.stringify(published?.volumeCapability));
    assert.equal(told.mount.volumeMountGroup, "4321");
    for (const uid of ["u1", "u2", "u3"]) await volumes.hideAll(uid);
  });

  describe("of a hostile driver", () => {
    it("hang no other volume, and end with the pod's wish for them", async () => {
      driver.behaviours.set("NodePublishVolume", async (request) => {
        if (request.volumeId === "handle") return new Promise<object>(() => undefined);
        await driver.publish(request);
        return {};
      });
      const volumes = await open();
      const abort = new AbortController();
      const hanging = volumes.show(pod("u1"), volume(), abort.signal);
      const failed = assert.rejects(hanging, /not wanted any more/);
      await driver.until(() => driver.calls("NodePublishVolume").length > 0);
      const other = { ...volume({}, { volumeHandle: "other" }), name: "pv2" };
      await volumes.show(pod("u2"), other, signal);
      abort.abort(new Error("not wanted any more"));
      await failed;
      await volumes.hideAll("u1");
      await volumes.hideAll("u2");
      assert.equal(driver.calls("NodeUnpublishVolume").length, 2);
    });

    it("are refused where it answers what cannot be read, or more than it may", async () => {
      const volumes = await open();
      for (const [bytes, why] of [
        [Buffer.from([0xff, 0xff, 0xff]), /answer of the CSI driver to NodePublishVolume cannot be read/],
        [Buffer.alloc(2 << 20), /RESOURCE_EXHAUSTED/],
      ] as const) {
        driver.behaviours.set("NodePublishVolume", async () => bytes);
        await assert.rejects(volumes.show(pod(), volume(), signal), why);
      }
      driver.behaviours.set("NodePublishVolume", async () => {
        throw refusal("INTERNAL", "x".repeat(5_000));
      });
      await assert.rejects(
        volumes.show(pod(), volume(), signal),
        ({ message }: Error) => message.length < 1_200,
      );
      driver.behaviours.clear();
      await volumes.hideAll("u1");
    });

    it("lead nowhere by links, and are not removed while they are mounted", async function () {
      const volumes = await open();
      driver.behaviours.set("NodePublishVolume", async ({ targetPath }) => {
        await symlink("/etc", String(targetPath));
        return {};
      });
      await assert.rejects(volumes.show(pod(), volume(), signal), /left no folder at/);
      driver.behaviours.set("NodePublishVolume", async () => ({}));
      await volumes.hideAll("u1");
      await assert.rejects(volumes.show(pod(), volume(), signal), /left nothing at/);
      await assert.rejects(lstat(paths.podMount("u1", "pv1")), /ENOENT/);
      driver.behaviours.clear();
      if (!isRoot) this.skip();
      const path = await volumes.show(pod(), volume(), signal);
      driver.behaviours.set("NodeUnpublishVolume", async () => ({}));
      await assert.rejects(volumes.hideAll("u1"), /left .*mount mounted/);
      assert.equal(await readFile(join(path, "name"), "utf8"), "handle");
      driver.behaviours.clear();
      await volumes.hideAll("u1");
    });

    it("are no block devices where it leaves something else", async () => {
      const volumes = await open();
      const block = volume({ volumeMode: "Block" });
      await assert.rejects(volumes.show(pod(), block, signal), /left no block device at .*publish\/pv1\/u1/);
      const [published] = driver.calls("NodePublishVolume");
      assert.match(String(published?.stagingTargetPath), /csi\/volumeDevices\/staging\/pv1$/);
      assert.deepEqual(JSON.parse(JSON.stringify(published?.volumeCapability)).block, {});
      await volumes.hideAll("u1");
      assert.deepEqual(calls().slice(-2), ["NodeUnpublishVolume", "NodeUnstageVolume"]);
    });
  });
});
