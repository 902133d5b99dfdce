import { strict as assert } from "node:assert";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import type { Pod, Volume } from "../../client/types.ts";
import { findProgram } from "../runtime/choose.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { mountPoints } from "../volumes/sub-paths.ts";
import { type IscsiSource, inlineRemote, persistentRemote } from "./remote-source.ts";
import { iqn, RemoteRig } from "./testing/remote-rig.ts";

const { signal } = new AbortController();
const portal = "10.0.0.1:3260";

describe("iSCSI volumes", function () {
  this.timeout(60_000);
  let rig: RemoteRig;
  beforeEach(async function () {
    const programs = ["losetup", "mkfs.ext4", "blkid", "fsck"];
    const isRoot = process.getuid?.() === 0;
    if (!isRoot || programs.some((name) => findProgram(name) === undefined)) return this.skip();
    rig = await RemoteRig.open();
  });
  afterEach(() => rig?.close());

  const iscsi = (more: object = {}): Volume =>
    ({
      name: "disk",
      iscsi: { targetPortal: "10.0.0.1", iqn, lun: 1, iscsiInterface: "default", ...more },
    }) as Volume;
  const sourceOf = (volume: Volume) => inlineRemote(rig.pod("u"), volume) as IscsiSource;
  const show = (pod: Pod, source: IscsiSource, volumes = rig.volumes()) =>
    volumes.show({ pod, volume: "disk", signal }, source);
  const record = `-m node -p ${portal} -T ${iqn} -I default`;

  it("are one disk for all pods of a node, formatted once, and gone with the last of them", async () => {
    const device = await rig.disk(1, [portal]);
    const volumes = rig.volumes();
    const source = sourceOf(iscsi());
    const one = await show(rig.pod("one"), source, volumes);
    const discovery = `-m discoverydb -t sendtargets -p ${portal} -I default`;
    assert.deepEqual(await rig.calls(), [
      "iscsiadm -m iface -I default -o show",
      `iscsiadm ${discovery} -o new`,
      `iscsiadm ${discovery} --discover`,
      `iscsiadm ${record} -o update -n node.session.scan -v manual`,
      `iscsiadm ${record} --login`,
      `iscsiadm -m node -p ${portal} -T ${iqn} -o update -n node.startup -v manual`,
    ]);
    await writeFile(join(one, "kept"), "x");
    const two = await show(rig.pod("two", { securityContext: { fsGroup: 123 } }), source, rig.volumes());
    assert.equal((await stat(join(two, "kept"))).gid, 123);
    assert.deepEqual(await rig.calls(), []);
    await volumes.hideAll("one");
    assert.deepEqual([await rig.calls(), await rig.deleted(device)], [[], false]);
    assert.ok((await mountPoints()).includes(two));
    await volumes.hideAll("two");
    assert.deepEqual(await rig.calls(), [`iscsiadm ${record} --logout`, `iscsiadm ${record} -o delete`]);
    assert.equal(await rig.deleted(device), true);
    assert.deepEqual(
      (await mountPoints()).filter((path) => path.startsWith(rig.dir)),
      [],
    );
    // What is on the disk stays on it.
    const again = await show(rig.pod("three"), source);
    assert.equal((await stat(join(again, "kept"))).size, 1);
    await rig.volumes().hideAll("three");
  });

  it("are read-only where they are to be", async () => {
    // Nobody may have had it mounted to write: whoever shares the host's mounts may have it so yet.
    await mustRun(["mkfs.ext4", "-q", "-F", await rig.disk(1, [portal])]);
    const folder = await show(rig.pod("one"), sourceOf(iscsi({ readOnly: true })));
    await assert.rejects(writeFile(join(folder, "more"), "x"), /EROFS/);
    await rig.volumes().hideAll("one");
  });

  it("keep their target's session while another unit of it is used", async () => {
    const [first, second] = [await rig.disk(1, [portal]), await rig.disk(2, [portal])];
    const volumes = rig.volumes();
    await show(rig.pod("one"), sourceOf(iscsi()), volumes);
    await show(rig.pod("two"), sourceOf(iscsi({ lun: 2 })), volumes);
    await rig.calls();
    await volumes.hideAll("one");
    assert.deepEqual(
      [await rig.calls(), await rig.deleted(first), await rig.deleted(second)],
      [[], true, false],
    );
    await volumes.hideAll("two");
    assert.equal((await rig.calls()).length, 2);
  });

  it("are mounted again from what was noted, after the machine started anew", async () => {
    await rig.disk(1, [portal]);
    const folder = await show(rig.pod("one"), sourceOf(iscsi()));
    await mustRun(["umount", folder]);
    for (const path of (await mountPoints()).filter((one) => one.startsWith(rig.dir)))
      await mustRun(["umount", path]);
    await mustRun(["iscsiadm", ...record.split(" "), "--logout"]);
    await rig.calls();
    const next = rig.volumes();
    assert.equal(await next.pathOf({ pod: rig.pod("one"), volume: "disk", signal }), folder);
    assert.equal((await rig.calls()).filter((call) => call.endsWith("--login")).length, 1);
    await next.hideAll("one");
  });

  it("show who they are by a secret, to find targets and to use them", async () => {
    await rig.disk(1, [portal]);
    const key = (kind: string) => [`${kind}.username`, `${kind}.password`, `${kind}.username_in`];
    const [find, use] = ["discovery.sendtargets.auth", "node.session.auth"];
    rig.secrets = { chap: Object.fromEntries([find, use].flatMap(key).map((name) => [name, `of ${name}`])) };
    const chap = { chapAuthDiscovery: true, chapAuthSession: true, secretRef: { name: "chap" } };
    await show(rig.pod("one"), sourceOf(iscsi(chap)));
    const set = (await rig.calls()).filter((call) => call.includes("auth"));
    const values = (kind: string) => [
      ` -n ${kind}.authmethod -v CHAP`,
      ...key(kind).map((name) => ` -n ${name} -v of ${name}`),
    ];
    assert.deepEqual(
      set.map((call) => call.slice(call.indexOf(" -n "))),
      [...values(find), ...values(use)],
    );
    await rig.volumes().hideAll("one");
    rig.secrets = { chap: { [`${use}.password`]: "two\nlines" } };
    await assert.rejects(
      show(rig.pod("two"), sourceOf(iscsi(chap))),
      /of secret shop\/chap .* has more than one line/,
    );
  });

  it("are reached over the portals that answer, by the device that stands for all paths", async () => {
    const portals = ["10.0.0.1:3260", "10.0.0.2:3260", "10.0.0.3:3260"];
    const device = await rig.disk(1, portals, { dm: "dm-7" });
    await rig.cut("10.0.0.2:3260");
    const source = sourceOf(iscsi({ portals: ["10.0.0.2:3260", "10.0.0.3"] }));
    const block = persistentRemote(
      {
        metadata: { name: "pv" },
        spec: { volumeMode: "Block", iscsi: iscsi({ portals: ["10.0.0.2", "10.0.0.3"] }).iscsi },
      } as never,
      { isReadOnly: false, namespace: "shop" },
    ) as IscsiSource;
    assert.deepEqual(source.portals, portals);
    const volumes = rig.volumes();
    assert.equal(await show(rig.pod("one"), block, volumes), join(rig.dir, "dev/dm-7"));
    const tried = (await rig.calls()).filter((call) => call.endsWith("--discover"));
    assert.deepEqual(
      ["1", "2", "3"].map((last) => tried.filter((call) => call.includes(`10.0.0.${last}:`)).length),
      [1, 2, 1],
    );
    assert.equal(
      await volumes.pathOf({ pod: rig.pod("one"), volume: "disk", signal }),
      join(rig.dir, "dev/dm-7"),
    );
    await volumes.hideAll("one");
    assert.equal(await rig.deleted(device), true);
    assert.equal((await rig.calls()).filter((call) => call.endsWith("--logout")).length, 3);
  });

  it("are shown by another name over an interface of their own", async () => {
    await rig.disk(1, [portal]);
    const initiatorName = "iqn.2001-04.com.example:node";
    await show(rig.pod("one"), sourceOf(iscsi({ initiatorName })));
    const own = `${portal}:disk`;
    const calls = await rig.calls();
    const update = (name: string, value: string) =>
      `iscsiadm -m iface -I ${own} -o update -n iface.${name} -v ${value}`;
    assert.deepEqual(calls.slice(1, 6), [
      "iscsiadm -m iface -I default -o show",
      `iscsiadm -m iface -I ${own} -o new`,
      update("initiatorname", initiatorName),
      update("mtu", "0"),
      update("transport_name", "tcp"),
    ]);
    assert.ok(calls.includes(`iscsiadm -m node -p ${portal} -T ${iqn} -I ${own} --login`));
    await rig.volumes().hideAll("one");
    assert.equal((await rig.calls()).at(-1), `iscsiadm -m iface -I ${own} -o delete`);
  });

  it("are refused, by name, where no portal answers, the disk does not come, or the host lacks something", async () => {
    await rig.cut(portal);
    const source = sourceOf(iscsi());
    await assert.rejects(
      show(rig.pod("one"), source),
      /failed to get any path for iscsi disk, last err seen: iscsi: failed to sendtargets to portal 10.0.0.1:3260 output: iscsiadm: cannot make connection/,
    );
    await rm(join(rig.dir, "sys/class/iscsi_transport"), { recursive: true });
    await assert.rejects(
      show(rig.pod("one"), source),
      /; the kernel has no iSCSI loaded \(modprobe iscsi_tcp\)$/,
    );
    await rig.cut(portal, false);
    await rig.disk(2, [portal]);
    // Time goes by as if nobody waited.
    let aheadMs = 0;
    rig.clock = {
      ...systemClock,
      monotonicMs: () => systemClock.monotonicMs() + aheadMs,
      after: (delayMs, fire) => {
        aheadMs += delayMs;
        return systemClock.after(0, fire);
      },
    };
    await assert.rejects(
      show(rig.pod("one"), source),
      /Timed out waiting for device at path \/.*\/ip-10.0.0.1:3260-iscsi-iqn.2001-04.com.example:storage-lun-1 after 30s/,
    );
    await rig.volumes().hideAll("one");
    await rename(join(rig.dir, "bin/iscsiadm"), join(rig.dir, "bin/gone"));
    if (findProgram("iscsiadm") === undefined)
      await assert.rejects(
        show(rig.pod("two"), source),
        /iSCSI volumes need iscsiadm, which this node lacks \(Debian: apt install open-iscsi\)/,
      );
    await rig.volumes().hideAll("two");
  });

  it("have the file system that is asked for, and are not formatted where anything is on them", async () => {
    const device = await rig.disk(1, [portal]);
    await assert.rejects(
      show(rig.pod("one"), sourceOf(iscsi({ readOnly: true }))),
      /cannot mount unformatted disk/,
    );
    await mustRun(["mkfs.ext4", "-q", "-F", device]);
    await assert.rejects(
      show(rig.pod("two"), sourceOf(iscsi({ fsType: "xfs" }))),
      /failed to mount the volume as "xfs", it already contains ext4/,
    );
    await mustRun(["wipefs", "--all", device]);
    const table = { input: "label: dos\n,,83\n" };
    if (findProgram("sfdisk") !== undefined) {
      await mustRun(["sfdisk", "--quiet", "--no-reread", device], table);
      await assert.rejects(show(rig.pod("three"), sourceOf(iscsi())), /has partitions and no file system/);
    }
    for (const uid of ["one", "two", "three"]) await rig.volumes().hideAll(uid);
  });

  it("are refused where what they say would be something else to a program, or a path", () => {
    for (const more of [
      { targetPortal: "-p" },
      { targetPortal: "10.0.0.1:3260 --login" },
      { portals: ["a/b"] },
      { iqn: "iqn.2001-04.com.example:a/../b" },
      { iqn: "iqn.2001-04.com.example:a b" },
      { iqn: "--target" },
      { lun: -1 },
      { lun: 256 },
      { iscsiInterface: "-o" },
      { iscsiInterface: "a/b" },
      { fsType: "../ext4" },
      { initiatorName: "me" },
    ])
      assert.throws(
        () => sourceOf(iscsi(more)),
        /of volume disk (is no \w+ that can be used|is not 0 to 255)/,
        JSON.stringify(more),
      );
    assert.deepEqual(sourceOf(iscsi({ targetPortal: "[fd00::1]:3260" })).portals, ["[fd00::1]:3260"]);
  });
});
