import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupStats, findCgroups, groupProcesses, oomKills, removeGroup } from "./cgroups.ts";
import { PodsGroup } from "./pods-group.ts";

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
    const found = { version: 1, memory: "/c/memory", cpuacct: "/c/cpu", cpu: "/c/cpu" };
    assert.deepEqual(await findCgroups(lines.join("\n")), found);
  });

  it("reads usage and kills of v2", async () => {
    const cgroups = { version: 2, root } as const;
    await mkdir(join(root, "pod"));
    await writeFile(join(root, "pod/cpu.stat"), "usage_usec 1500\nuser_usec 1000\n");
    await writeFile(join(root, "pod/memory.current"), "4096\n");
    await writeFile(
      join(root, "pod/memory.stat"),
      "anon 1000\ninactive_file 1024\nactive_file 10\npgfault 70\npgmajfault 3\n",
    );
    await writeFile(join(root, "pod/cgroup.procs"), "7\n8\n900\n");
    await writeFile(join(root, "pod/memory.events"), "low 0\nmax 9\noom 3\noom_kill 2\n");
    assert.deepEqual(await cgroupStats(cgroups, "/pod"), {
      cpuNanos: 1_500_000,
      memoryBytes: 4096,
      workingSetBytes: 3072,
      rssBytes: 1000,
      pageFaults: 70,
      majorPageFaults: 3,
      processes: 3,
    });
    assert.equal(await groupProcesses(cgroups, "/gone"), 0);
    assert.equal(await oomKills(cgroups, "/pod"), 2);
    assert.equal(await oomKills(cgroups, "/gone"), 0);
  });

  it("holds all pods to a limit of memory, and lifts it again, in v1", async () => {
    const cgroups = { version: 1, memory: join(root, "memory"), cpuacct: join(root, "cpu") } as const;
    const pods = new PodsGroup(cgroups, "/pintle/n1");
    const limit = () => readFile(join(root, "memory/pintle/n1/memory.limit_in_bytes"), "utf8");
    await pods.limitMemory(undefined);
    await assert.rejects(limit(), { code: "ENOENT" });
    await pods.limitMemory(4096);
    assert.equal(await limit(), "4096");
    await writeFile(join(root, "memory/pintle/n1/cgroup.procs"), "");
    await pods.limitMemory(undefined);
    assert.equal(await limit(), "-1");
    await writeFile(join(root, "memory/pintle/n1/memory.usage_in_bytes"), "9000\n");
    const stat = "rss 1\npgfault 1\ntotal_inactive_file 1000\ntotal_rss 500\ntotal_pgfault 7\n";
    await writeFile(join(root, "memory/pintle/n1/memory.stat"), stat);
    assert.equal(await pods.workingSetBytes(), 8000);
    const { rssBytes, pageFaults, majorPageFaults } = await cgroupStats(cgroups, "/pintle/n1");
    assert.deepEqual([rssBytes, pageFaults, majorPageFaults], [500, 7, undefined]);
  });

  it("hands memory down to the level of the pods in v2", async () => {
    const pods = new PodsGroup({ version: 2, root }, "/pintle/n1");
    await pods.limitMemory(4096);
    for (const level of ["", "pintle"])
      assert.equal(await readFile(join(root, level, "cgroup.subtree_control"), "utf8"), "+memory");
    await assert.rejects(readFile(join(root, "pintle/n1/cgroup.subtree_control")), { code: "ENOENT" });
    assert.equal(await readFile(join(root, "pintle/n1/memory.max"), "utf8"), "4096");
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
