import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sandboxConfig } from "../suite-configs.ts";
import { signalProcess } from "../supervised/process-birth.ts";
import { mustRun } from "../supervised/run-command.ts";
import { showMapped, supportsUserNamespaces } from "./mapped-users.ts";
import { startPause } from "./pause.ts";
import { overlayFilesystems } from "./root-filesystem.ts";

describe("files shown to users that are a pod's own", function () {
  this.timeout(60_000);
  let dir: string;
  beforeEach(async function () {
    if (process.getuid?.() !== 0) this.skip();
    dir = await mkdtemp(join(tmpdir(), "pintle-mapped-"));
    if (!(await supportsUserNamespaces(dir))) this.skip();
  });
  afterEach(() => dir && rm(dir, { recursive: true, force: true }));
  const mounts = async () =>
    (await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(dir));

  it("are tried without leaving anything behind", async () => {
    assert.equal(await supportsUserNamespaces(dir), true);
    assert.deepEqual([await readdir(dir), await mounts()], [[], []]);
  });

  it("are of the same owners there, and of theirs here", async () => {
    const users = { first: 5 * 65_536, length: 65_536 };
    const pause = await startPause({ ...sandboxConfig("p"), hostNetwork: true, users }, dir);
    try {
      assert.match(await readFile(`/proc/${pause.pid}/uid_map`, "utf8"), /^\s*0\s+327680\s+65536$/m);
      assert.equal((await stat(`/proc/${pause.pid}`)).uid, users.first);
      await mkdir(join(dir, "files"));
      await writeFile(join(dir, "files", "one"), "");
      await writeFile(join(dir, "file"), "");
      const paths = [join(dir, "files"), join(dir, "file")];
      const [files = "", file = ""] = await showMapped(paths, join(dir, "shown"), {
        pid: pause.pid,
        reach: "all",
      });
      try {
        assert.equal((await stat(join(files, "one"))).uid, users.first);
        assert.equal((await stat(file)).gid, users.first);
        assert.equal((await stat(join(dir, "file"))).uid, 0);
      } finally {
        await mustRun(["umount", "-l", files, file]);
      }
    } finally {
      signalProcess(pause, "SIGKILL");
    }
  });

  it("are the layers of an image, below what the container writes", async () => {
    const users = { first: 9 * 65_536, length: 65_536 };
    const pause = await startPause({ ...sandboxConfig("p"), hostNetwork: true, users }, dir);
    try {
      const layers = [join(dir, "top"), join(dir, "base")];
      for (const layer of layers) await mkdir(layer);
      await writeFile(join(dir, "top", "new"), "");
      for (const layer of layers) await writeFile(join(layer, "both"), layer);
      const container = join(dir, "container");
      const filesystems = overlayFilesystems({ lowerDirs: async () => layers });
      const root = await filesystems.mount("image", container, { ...users, pid: pause.pid });
      try {
        for (const name of ["", "new", "both"]) assert.equal((await stat(join(root, name))).uid, users.first);
        assert.equal(await readFile(join(root, "both"), "utf8"), join(dir, "top"));
        assert.equal((await stat(join(dir, "base", "both"))).uid, 0);
        assert.equal((await mounts()).length, 1);
      } finally {
        await filesystems.unmount(container);
      }
      assert.deepEqual(await mounts(), []);
    } finally {
      signalProcess(pause, "SIGKILL");
    }
  });

  it("are refused by name where their file system cannot do that", async () => {
    const users = { first: 65_536, length: 65_536 };
    const pause = await startPause({ ...sandboxConfig("p"), hostNetwork: true, users }, dir);
    try {
      await assert.rejects(
        showMapped(["/proc"], join(dir, "shown"), { pid: pause.pid, reach: "one" }),
        /\/proc cannot be shown to other users/,
      );
      assert.deepEqual(await mounts(), []);
    } finally {
      signalProcess(pause, "SIGKILL");
    }
  });
});
