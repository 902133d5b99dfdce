import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupStats, findCgroups, oomKills, removeGroup } from "./cgroups.ts";

describe("cgroups", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-cgroups-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("finds the one hierarchy of v2 when it controls memory", async () => {
    const mountinfo = `30 23 0:26 / ${root} rw,nosuid - cgroup2 cgroup2 rw\n`;
    assert.equal(await findCgroups(mountinfo), undefined);
    await writeFile(join(root, "cgroup.controllers"), "cpu io memory pids\n");
    assert.deepEqual(await findCgroups(mountinfo), { version: 2, root });
  });

  it("prefers v1 where memory is controlled there", async () => {
    const lines = [
      "31 30 0:27 / /c/memory rw - cgroup cgroup rw,memory",
      "32 30 0:28 / /c/cpu rw - cgroup cgroup rw,cpu,cpuacct",
      `33 30 0:29 / ${root} rw - cgroup2 cgroup2 rw`,
    ];
    const found = { version: 1, memory: "/c/memory", cpuacct: "/c/cpu" };
    assert.deepEqual(await findCgroups(lines.join("\n")), found);
  });

  it("reads usage and kills of v2", async () => {
    const cgroups = { version: 2, root } as const;
    await mkdir(join(root, "pod"));
    await writeFile(join(root, "pod/cpu.stat"), "usage_usec 1500\nuser_usec 1000\n");
    await writeFile(join(root, "pod/memory.current"), "4096\n");
    await writeFile(join(root, "pod/memory.stat"), "anon 1000\ninactive_file 1024\nactive_file 10\n");
    await writeFile(join(root, "pod/memory.events"), "low 0\nmax 9\noom 3\noom_kill 2\n");
    assert.deepEqual(await cgroupStats(cgroups, "/pod"), {
      cpuNanos: 1_500_000,
      memoryBytes: 4096,
      workingSetBytes: 3072,
    });
    assert.equal(await oomKills(cgroups, "/pod"), 2);
    assert.equal(await oomKills(cgroups, "/gone"), 0);
  });

  it("removes an empty group from every hierarchy, and leaves one in use", async () => {
    for (const path of ["memory/p/a", "memory/p/b/in-use", "pids/p/a"])
      await mkdir(join(root, path), { recursive: true });
    const cgroups = { version: 1, memory: join(root, "memory"), cpuacct: join(root, "cpu") } as const;
    await removeGroup(cgroups, "/p/a");
    await removeGroup(cgroups, "/p/b");
    assert.deepEqual(
      ["memory/p/a", "pids/p/a", "memory/p/b"].map((path) => existsSync(join(root, path))),
      [false, false, true],
    );
  });
});
