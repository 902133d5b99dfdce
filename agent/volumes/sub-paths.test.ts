import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { openInside } from "./open-inside.ts";
import { mountPoints, placeOfSubPath, removeMounts } from "./sub-paths.ts";

describe("subPath", function () {
  this.timeout(120_000);
  let dir: string;
  let volume: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-subpath-"));
    volume = join(dir, "volume");
    await mkdir(volume);
    await mkdir(join(dir, "outside"));
    await writeFile(join(dir, "outside", "secret"), "host");
  });
  afterEach(async () => {
    await removeMounts(dir);
    await rm(dir, { recursive: true, force: true });
  });
  const named = async (path: string, create = false) => {
    const handle = await openInside(volume, path, create);
    try {
      return await readFile(`/proc/self/fd/${handle.fd}`, "utf8").catch(() =>
        readdir(`/proc/self/fd/${handle.fd}`).then((names) => names.join(" ")),
      );
    } finally {
      await handle.close();
    }
  };

  it("follows links that stay in the volume and refuses those that lead out", async () => {
    await mkdir(join(volume, "..v1"));
    await writeFile(join(volume, "..v1", "key"), "value");
    await symlink("..v1", join(volume, "..data"));
    await symlink("..data/key", join(volume, "key"));
    await mkdir(join(volume, "a"));
    await symlink("../key", join(volume, "a", "up"));
    assert.equal(await named("key"), "value");
    assert.equal(await named("a/up"), "value");
    await symlink("../outside", join(volume, "out"));
    await symlink(join(dir, "outside"), join(volume, "absolute"));
    await symlink("loop", join(volume, "loop"));
    for (const path of ["out/secret", "out", "absolute/secret", "../outside", "/etc", "a/../../outside"])
      await assert.rejects(openInside(volume, path, true), /leaves its volume/, path);
    await assert.rejects(openInside(volume, "loop", true), /too many links/);
    await assert.rejects(openInside(volume, "none", false), /does not exist/);
  });

  it("makes folders that lack, as open as the volume's own", async () => {
    for (const mode of [0o777, 0o750, 0o3777]) {
      await chmod(volume, mode);
      await (await openInside(volume, `x${mode}/y`, true)).close();
      for (const path of [`x${mode}`, `x${mode}/y`])
        assert.equal((await stat(join(volume, path))).mode & 0o7777, mode);
    }
  });

  it("mounts only what is inside while somebody swaps a folder for a link without pause", async function () {
    if (process.getuid?.() !== 0) this.skip();
    await mkdir(join(volume, "data"));
    await writeFile(join(volume, "data", "mine"), "pod");
    await symlink(join(dir, "outside"), join(volume, "link"));
    // Exchanges the two names as fast as it can (renameat2 with RENAME_EXCHANGE, 316 on x86-64, 276 on arm64).
    const number = process.arch === "arm64" ? 276 : 316;
    const swap = `syscall ${number}, -100, $data, -100, $link, 2`; // its words must be variables
    const script = `chdir $ARGV[0]; my ($data, $link) = qw(data link); ${swap} and die "renameat2: $!\\n";
      print "on\\n"; ${swap} while 1`;
    const swapper = spawn("perl", ["-e", `$| = 1; ${script}`, volume], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => swapper.stdout.once("data", resolve));
    const found = { mine: 0, refused: 0 };
    try {
      for (let round = 0; found.mine < 10 || found.refused < 10 || round < 60; round++) {
        const mountAt = join(dir, "at", String(round));
        try {
          const place = await placeOfSubPath({ root: volume, path: "data", create: true, mountAt });
          assert.deepEqual(await readdir(place), ["mine"]);
          found.mine++;
        } catch (error) {
          assert.match(String(error), /leaves its volume|changes while|cannot be made/);
          found.refused++;
        }
      }
    } finally {
      swapper.kill("SIGKILL");
    }
  });

  it("mounts single files, and anew for the next container", async function () {
    if (process.getuid?.() !== 0) this.skip();
    await writeFile(join(volume, "one"), "1");
    const mountAt = join(dir, "at");
    const request = { root: volume, path: "one", create: false, mountAt };
    await placeOfSubPath(request);
    await placeOfSubPath(request);
    assert.equal(await readFile(mountAt, "utf8"), "1");
    assert.equal((await mountPoints()).filter((path) => path === mountAt).length, 1);
    await mustRun(["umount", mountAt]);
  });
});
