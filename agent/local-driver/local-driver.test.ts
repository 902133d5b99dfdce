import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags, UsageError } from "../../base/os/flags.ts";
import { FileHeldError } from "../../base/os/hold-file.ts";
import { createLog } from "../../base/os/log.ts";
import type { Running } from "../../base/os/os.ts";
import { systemRandom } from "../../base/os/random.ts";
import { controllerCalls } from "../csi/controller-messages.ts";
import { CsiError, DriverCalls, openRegistration, type Registration } from "../csi/driver-calls.ts";
import { SocketCalls } from "../socket-calls.ts";
import { mountPoints, removeMounts } from "../volumes/sub-paths.ts";
import { localDriverConfig, localDriverFlags } from "./flags.ts";
import { idOf } from "./requests.ts";
import { startLocalDriver } from "./start-local-driver.ts";

const os = { clock: systemClock, random: systemRandom };
const withStatus = (status: string) => (error: unknown) =>
  error instanceof CsiError && error.status === status;
const capability = { mount: {}, accessMode: { mode: "SINGLE_NODE_WRITER" as const } };

describe("the local-path driver", function () {
  this.timeout(60_000);
  let dir: string;
  let driver: Running;
  let calls: DriverCalls;
  let controller: SocketCalls<typeof controllerCalls, CsiError>;
  const config = (...more: string[]) =>
    localDriverConfig(
      parseFlags(localDriverFlags, [
        `--endpoint=unix://${dir}/csi.sock`,
        "--node-name=n1",
        `--data-dir=${dir}/data`,
        `--kubelet-dir=${dir}/kubelet`,
        ...more,
      ]).flags,
    );
  const start = (...more: string[]) =>
    startLocalDriver(config(...more), {
      disk: systemDisk,
      log: createLog({ level: "error", format: "text" }),
    });

  beforeEach(async function () {
    if (process.getuid?.() !== 0) this.skip();
    dir = await mkdtemp(join(tmpdir(), "pintle-local-driver-"));
    await mkdir(join(dir, "kubelet"));
    driver = await start(`--registration-dir=${dir}/registry`);
    calls = new DriverCalls(join(dir, "csi.sock"), os);
    controller = new SocketCalls(
      controllerCalls,
      {
        socket: join(dir, "csi.sock"),
        service: "csi.v1.Controller",
        who: "the driver",
        callMs: 20_000,
        answerBytesMost: 1 << 20,
        errorOf: (failure) => new CsiError(failure),
      },
      os,
    );
  });
  afterEach(async () => {
    if (driver === undefined) return;
    calls.close();
    controller.close();
    await driver.stop();
    await removeMounts(dir);
    await rm(dir, { recursive: true, force: true });
  });

  const create = async (name: string, more: object = {}) => {
    const { volume } = await controller.ask("CreateVolume", {
      name,
      volumeCapabilities: [capability],
      ...more,
    });
    return volume?.volumeId ?? "";
  };
  const target = (name: string) => join(dir, "kubelet", name);
  const publish = (volumeId: string, targetPath: string, more: object = {}) =>
    calls.node.ask("NodePublishVolume", { volumeId, targetPath, volumeCapability: capability, ...more });
  const isMounted = async (path: string) => (await mountPoints()).includes(path);

  it("shows a volume to a pod, with the node as its place, and takes all of it away again", async () => {
    const { accessibleTopology } = await calls.node.ask("NodeGetInfo", {});
    assert.deepEqual(accessibleTopology?.segments, [
      { key: "topology.local-path.csi.pintle.dev/node", value: "n1" },
    ]);
    const id = await create("../../a", { capacityRange: { requiredBytes: 4096 } });
    assert.equal(id, idOf("../../a"));
    await publish(id, target("one"));
    await publish(id, target("one")); // once more changes nothing
    assert.equal((await mountPoints()).filter((path) => path === target("one")).length, 1);
    await writeFile(join(target("one"), "word"), "kept");
    assert.equal((await stat(target("one"))).mode & 0o777, 0o777);
    const { usage } = await calls.node.ask("NodeGetVolumeStats", { volumeId: id, volumePath: target("one") });
    assert.deepEqual(
      usage.map(({ unit }) => unit),
      ["BYTES", "INODES"],
    );
    assert.ok(usage.every(({ total, used, available }) => total > 0 && used + available <= total));
    await assert.rejects(controller.ask("DeleteVolume", { volumeId: id }), withStatus("FAILED_PRECONDITION"));
    await publish(id, target("two"), { readonly: true });
    await assert.rejects(writeFile(join(target("two"), "word"), "changed"), /EROFS/);
    for (const name of ["one", "two"]) {
      await calls.node.ask("NodeUnpublishVolume", { volumeId: id, targetPath: target(name) });
      await calls.node.ask("NodeUnpublishVolume", { volumeId: id, targetPath: target(name) });
    }
    assert.deepEqual(await readdir(join(dir, "kubelet")), []);
    await controller.ask("DeleteVolume", { volumeId: id });
    await controller.ask("DeleteVolume", { volumeId: id });
    assert.deepEqual(await readdir(join(dir, "data/volumes")), []);
    assert.deepEqual(await readdir(join(dir, "data/removed")), []);
  });

  it("goes on where an earlier driver stopped, and alone", async () => {
    const id = await create("a", { capacityRange: { requiredBytes: 4096 } });
    await publish(id, target("one"));
    await writeFile(join(target("one"), "word"), "kept");
    await assert.rejects(start(), FileHeldError);
    await driver.stop();
    await mkdir(join(dir, "data/removed", idOf("gone")));
    await mkdir(join(dir, "data/volumes", idOf("half")));
    driver = await start();
    assert.deepEqual(await readdir(join(dir, "data/removed")), []);
    const { entries } = await controller.ask("ListVolumes", {});
    assert.deepEqual(
      entries.map(({ volume }) => [volume?.volumeId, volume?.capacityBytes]),
      [[id, 4096]],
    );
    assert.equal(await create("a", { capacityRange: { requiredBytes: 4096 } }), id);
    assert.equal(await readFile(join(target("one"), "word"), "utf8"), "kept");
    await assert.rejects(controller.ask("DeleteVolume", { volumeId: id }), withStatus("FAILED_PRECONDITION"));
    await create("half");
    await calls.node.ask("NodeUnpublishVolume", { volumeId: id, targetPath: target("one") });
    assert.ok(!(await isMounted(target("one"))));
  });

  it("promises no more than the disk holds, for new volumes and for larger ones", async () => {
    const { availableCapacity } = await controller.ask("GetCapacity", {});
    assert.ok(availableCapacity > 0);
    const tooMuch = { requiredBytes: 2 ** 52 };
    await assert.rejects(create("a", { capacityRange: tooMuch }), withStatus("RESOURCE_EXHAUSTED"));
    const id = await create("a", { capacityRange: { requiredBytes: 4096 } });
    const grow = (capacityRange: object) =>
      calls.node.ask("NodeExpandVolume", { volumeId: id, volumePath: target("one"), capacityRange });
    await assert.rejects(grow({ requiredBytes: 8192 }), withStatus("NOT_FOUND"));
    await publish(id, target("one"));
    await assert.rejects(grow(tooMuch), withStatus("OUT_OF_RANGE"));
    assert.equal((await grow({ requiredBytes: 8192 })).capacityBytes, 8192);
    assert.equal((await grow({ requiredBytes: 4096 })).capacityBytes, 8192);
    await assert.rejects(grow({ requiredBytes: 4096, limitBytes: 4096 }), withStatus("OUT_OF_RANGE"));
    await assert.rejects(
      create("a", { capacityRange: { requiredBytes: 16384 } }),
      withStatus("ALREADY_EXISTS"),
    );
    const elsewhere = { segments: [{ key: "topology.local-path.csi.pintle.dev/node", value: "n2" }] };
    const { availableCapacity: there } = await controller.ask("GetCapacity", {
      accessibleTopology: elsewhere,
    });
    assert.equal(there, 0);
  });

  it("shows nothing outside the kubelet's folder, and takes down only its own mounts", async () => {
    const id = await create("a");
    await mkdir(join(dir, "outside"));
    await symlink(join(dir, "outside"), target("link"));
    await assert.rejects(publish(id, join(target("link"), "x")), withStatus("INVALID_ARGUMENT"));
    await assert.rejects(publish(id, target("link")), withStatus("INTERNAL"));
    await assert.rejects(publish(id, join(dir, "outside/x")), withStatus("INVALID_ARGUMENT"));
    assert.deepEqual(await readdir(join(dir, "outside")), []);
    await publish(id, target("one"));
    const other = await create("b");
    await assert.rejects(publish(other, target("one")), withStatus("FAILED_PRECONDITION"));
    const unpublish = (volumeId: string) =>
      calls.node.ask("NodeUnpublishVolume", { volumeId, targetPath: target("one") });
    await assert.rejects(unpublish(other), withStatus("NOT_FOUND"));
    await assert.rejects(unpublish("../data"), withStatus("NOT_FOUND"));
    assert.ok(await isMounted(target("one")));
    await assert.rejects(publish("../../etc", target("two")), withStatus("NOT_FOUND"));
    await controller.ask("DeleteVolume", { volumeId: "../../outside" });
    await stat(join(dir, "outside"));
  });

  it("keeps a volume of one writer to one place", async () => {
    const id = await create("a");
    const alone = { volumeCapability: { mount: {}, accessMode: { mode: "SINGLE_NODE_SINGLE_WRITER" } } };
    await publish(id, target("one"), alone);
    await assert.rejects(publish(id, target("two"), alone), withStatus("FAILED_PRECONDITION"));
    await assert.rejects(publish(id, target("two")), withStatus("FAILED_PRECONDITION"));
    await assert.rejects(
      publish(id, target("one"), { ...alone, readonly: true }),
      withStatus("ALREADY_EXISTS"),
    );
    await calls.node.ask("NodeUnpublishVolume", { volumeId: id, targetPath: target("one") });
    await publish(id, target("two"), alone);
  });

  it("lists pages, and tells the kubelet who it is", async () => {
    for (const name of ["a", "b", "c"]) await create(name);
    const first = await controller.ask("ListVolumes", { maxEntries: 2 });
    const rest = await controller.ask("ListVolumes", { startingToken: first.nextToken });
    const ids = [...first.entries, ...rest.entries].map(({ volume }) => volume?.volumeId);
    assert.deepEqual(ids, ["a", "b", "c"].map(idOf).sort());
    assert.equal(rest.nextToken, "");
    await assert.rejects(controller.ask("ListVolumes", { startingToken: "x" }), withStatus("ABORTED"));
    const registration: Registration = openRegistration(
      join(dir, "registry/local-path.csi.pintle.dev-reg.sock"),
      os,
    );
    const { name, endpoint } = await registration.ask("GetInfo", {});
    assert.deepEqual([name, endpoint], ["local-path.csi.pintle.dev", join(dir, "csi.sock")]);
    registration.close();
  });

  it("refuses flags that no driver can have", () => {
    const wrong = [
      ["--node-name=", /node-name/],
      [`--node-name=${"n".repeat(64)}`, /node-name/],
      ["--driver-name=a/b", /driver-name/],
      ["--endpoint=tcp://0.0.0.0:1", /endpoint/],
      [`--endpoint=unix:///${"x".repeat(107)}`, /endpoint/],
      ["--endpoint=unix:///a/../b", /endpoint/],
      ["--kubelet-registration-path=/x", /registration-dir/],
    ] as const;
    for (const [flag, message] of wrong)
      assert.throws(
        () => config(flag),
        (error) => error instanceof UsageError && message.test(error.message),
        flag,
      );
  });
});
