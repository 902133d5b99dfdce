import { strict as assert } from "node:assert";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PersistentVolume, Volume } from "../../client/types.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { mountPoints } from "../volumes/sub-paths.ts";
import { nfsMountWords } from "./mount-nfs.ts";
import { inlineRemote, type NfsSource, persistentRemote } from "./remote-source.ts";
import { RemoteRig } from "./testing/remote-rig.ts";

const nfs = (more: object = {}): Volume =>
  ({ name: "data", nfs: { server: "files.example", path: "/exports/a b", ...more } }) as Volume;
const { signal } = new AbortController();

describe("NFS volumes", () => {
  let rig: RemoteRig;
  before(async function () {
    if (process.getuid?.() !== 0) return this.skip();
    rig = await RemoteRig.open();
  });
  after(() => rig?.close());
  beforeEach(async () => {
    await rig.calls();
  });
  const sourceOf = (volume: Volume) => inlineRemote(rig.pod("u"), volume) as NfsSource;

  it("are what pods and persistent volumes say, in the words of mount", () => {
    const words = (volume: Volume) => nfsMountWords(sourceOf(volume), "/at").slice(1);
    assert.deepEqual(words(nfs()), ["-t", "nfs", "files.example:/exports/a b", "/at"]);
    assert.deepEqual(words(nfs({ server: "fd00::1", path: "/", readOnly: true })), [
      ...["-t", "nfs", "-o", "ro", "[fd00::1]:/", "/at"],
    ]);
    const options = ["nfsvers=4.1", "hard"];
    const told = (isReadOnly: boolean, readOnly = false) => {
      const spec = { nfs: { server: "s", path: "/p", readOnly }, mountOptions: options };
      const volume = { metadata: { name: "pv" }, spec } as unknown as PersistentVolume;
      const source = persistentRemote(volume, { isReadOnly, namespace: "" }) as NfsSource;
      return nfsMountWords(source, "/at").slice(3, -2);
    };
    assert.deepEqual(told(false), ["-o", "nfsvers=4.1,hard"]);
    for (const readOnly of [told(true), told(false, true)])
      assert.deepEqual(readOnly, ["-o", "nfsvers=4.1,hard,ro"]);
  });

  it("are refused where what they say would be something else to a program", () => {
    for (const [more, what] of [
      [{ server: "-o" }, "server"],
      [{ server: "a b" }, "server"],
      [{ server: "s\n" }, "server"],
      [{ server: "" }, "server"],
      [{ path: "exports" }, "path"],
      [{ path: "/a\0b" }, "path"],
      [{ path: "/a\nb" }, "path"],
    ] as const)
      assert.throws(() => sourceOf(nfs(more)), new RegExp(`of volume data is no ${what} that can be used`));
    const options = (mountOptions: string[]) => () =>
      persistentRemote(
        { metadata: { name: "pv" }, spec: { nfs: { server: "s", path: "/" }, mountOptions } } as never,
        { isReadOnly: false, namespace: "" },
      );
    assert.throws(options(["a b"]), /is no mountOption that can be used/);
    assert.throws(options([""]), /is no mountOption that can be used/);
    const block = { nfs: { server: "s", path: "/" }, volumeMode: "Block" };
    assert.throws(
      () =>
        persistentRemote({ metadata: { name: "pv" }, spec: block } as never, {
          isReadOnly: false,
          namespace: "",
        }),
      /volumeMode: Block of persistent volume pv is not supported/,
    );
  });

  it("are mounted once for a pod, again after the machine started anew, and go with it", async () => {
    const request = { pod: rig.pod("one"), volume: "data", signal };
    const volumes = rig.volumes();
    assert.equal(await volumes.pathOf(request), undefined);
    const folder = await volumes.show(request, sourceOf(nfs({ readOnly: true })));
    assert.equal(folder, join(rig.dir, "pods/one/volumes/data"));
    const call = `mount -t nfs -o ro files.example:/exports/a b ${folder}`;
    assert.deepEqual(await rig.calls(), [call]);
    await writeFile(join(folder, "theirs"), "x");
    assert.equal(await volumes.pathOf(request), folder);
    assert.deepEqual(await rig.calls(), []);
    await mustRun(["umount", folder]);
    const next = rig.volumes();
    assert.equal(await next.pathOf(request), folder);
    assert.deepEqual(await rig.calls(), [call]);
    assert.deepEqual([await next.isUsed("data", "one"), await next.isUsed("data", "two")], [false, true]);
    await next.hideAll("one");
    assert.ok(!(await mountPoints()).includes(folder));
    assert.equal(await next.pathOf(request), undefined);
    assert.equal(await next.isUsed("data", "two"), false);
    await next.hideAll("one");
  });

  it("are not left behind by a pod that goes while they are being mounted", async () => {
    const asked = new AbortController();
    const volumes = rig.volumes();
    const request = { pod: rig.pod("leaving"), volume: "data", signal: asked.signal };
    await mustRun(["mkfifo", join(rig.dir, "held")]);
    const shown = volumes.show(request, sourceOf(nfs()));
    const gone = assert.rejects(shown, /the pod goes/);
    const called = () => readFile(join(rig.dir, "calls"), "utf8").catch(() => "");
    while (!(await called()).endsWith("\n")) await new Promise((resolve) => setImmediate(resolve));
    asked.abort(new Error("the pod goes"));
    await gone;
    const hidden = volumes.hideAll("leaving");
    // Whoever reads it has the program go on.
    assert.equal(await readFile(join(rig.dir, "held"), "utf8"), "held\n");
    await hidden;
    assert.deepEqual(
      (await mountPoints()).filter((path) => path.startsWith(join(rig.dir, "pods/leaving"))),
      [],
    );
    await assert.rejects(stat(join(rig.dir, "pods/leaving/volumes/data")), /ENOENT/);
    await rm(join(rig.dir, "held"));
  });

  it("are refused with the host's own words, and what it lacks", async () => {
    const request = { pod: rig.pod("refused"), volume: "data", signal };
    const volumes = rig.volumes();
    const show = () => volumes.show(request, sourceOf(nfs()));
    await rig.cut("nfs");
    await assert.rejects(
      show(),
      /^ConfigError: mount failed: mount -t nfs .*: mount.nfs: access denied by server$/,
    );
    await writeFile(join(rig.dir, "filesystems"), "nodev\ttmpfs\n");
    await assert.rejects(show(), /access denied by server; the kernel has no NFS loaded \(modprobe nfs\)$/);
    await rm(join(rig.dir, "helpers/mount.nfs"));
    await assert.rejects(
      show(),
      /NFS volumes need mount.nfs, which this node lacks \(Debian: apt install nfs-common\)/,
    );
    await rig.cut("nfs", false);
    await rig.program("helpers/mount.nfs", "exit 1");
    const folder = await show();
    assert.ok((await stat(folder)).isDirectory());
    await volumes.hideAll("refused");
  });
});
