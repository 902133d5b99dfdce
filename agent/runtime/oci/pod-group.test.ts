import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCgroups, removeGroup } from "./cgroups.ts";
import { countsProcesses, cpuWeight, limitGroup } from "./pod-group.ts";

describe("the group of a pod", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-group-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const read = async (...path: string[]) => (await readFile(join(root, ...path), "utf8")).trim();
  const limits = { cpuShares: 2048, cpuQuotaUs: 150_000, memoryBytesMost: 4096 };

  it("is limited in v2, each level handing the controllers down", async () => {
    const cgroups = { version: 2, root } as const;
    await writeFile(join(root, "cgroup.controllers"), "cpuset cpu io memory pids\n");
    await mkdir(join(root, "a/b/pod"), { recursive: true });
    await writeFile(join(root, "a/b/pod/cpu.weight"), "100\n");
    await limitGroup(cgroups, "/a/b/pod", limits);
    for (const level of [[], ["a"], ["a", "b"]])
      assert.equal(await read(...level, "cgroup.subtree_control"), "+cpu +memory +pids");
    const found = () =>
      Promise.all(["cpu.weight", "cpu.max", "memory.max"].map((name) => read("a/b/pod", name)));
    assert.deepEqual(await found(), ["174", "150000 100000", "4096"]);
    await limitGroup(cgroups, "/a/b/pod", { cpuShares: 2, cpuQuotaUs: 0, memoryBytesMost: 0 });
    assert.deepEqual(await found(), ["1", "max 100000", "max"]);
    await assert.rejects(read("a/b/pod/pids.max"), /ENOENT/);
    await limitGroup(cgroups, "/a/b/pod", limits, 77);
    assert.equal(await read("a/b/pod/pids.max"), "77");
    assert.equal(await countsProcesses(cgroups), true);
    await writeFile(join(root, "cgroup.controllers"), "cpuset cpu io memory\n");
    assert.equal(await countsProcesses(cgroups), false);
  });

  it("is held to its huge pages, and to none of other sizes, in use and set aside", async () => {
    const hugePageSizes = [2 ** 21, 2 ** 30];
    const asked = { ...limits, hugePages: [{ pageBytes: 2 ** 21, bytesMost: 2 ** 22 }] };
    await writeFile(join(root, "cgroup.controllers"), "memory hugetlb\n");
    await mkdir(join(root, "a/pod"), { recursive: true });
    await writeFile(join(root, "a/pod/hugetlb.2MB.rsvd.max"), "max\n");
    await limitGroup({ version: 2, root, hugePageSizes }, "/a/pod", asked);
    assert.equal(await read("a", "cgroup.subtree_control"), "+memory +hugetlb");
    const found = ["2MB.max", "2MB.rsvd.max", "1GB.max"].map((name) => read("a/pod", `hugetlb.${name}`));
    assert.deepEqual(await Promise.all(found), ["4194304", "4194304", "0"]);
    await assert.rejects(read("a/pod/hugetlb.1GB.rsvd.max"), /ENOENT/);

    const hugetlb = join(root, "hugetlb");
    const cgroups = { version: 1, memory: root, cpuacct: root, hugetlb, hugePageSizes } as const;
    await limitGroup(cgroups, "/pod", asked);
    const first = ["2MB", "1GB"].map((size) => read("hugetlb/pod", `hugetlb.${size}.limit_in_bytes`));
    assert.deepEqual(await Promise.all(first), ["4194304", "0"]);
  });

  it("is not left less memory than it uses", async () => {
    const cgroups = { version: 2, root } as const;
    await writeFile(join(root, "cgroup.controllers"), "memory\n");
    await mkdir(join(root, "pod"));
    await writeFile(join(root, "pod/memory.current"), "9000\n");
    await assert.rejects(limitGroup(cgroups, "/pod", limits), {
      message:
        "cannot decrease memory limits: attempting to set pod memory limit (4096) below current usage (9000)",
    });
  });

  it("weighs what runc and the kubelet make of its shares", () => {
    assert.deepEqual(
      [0, 2, 3, 102, 1024, 10_240, 262_143, 262_144].map(cpuWeight),
      [1, 1, 2, 17, 100, 639, 10_000, 10_000],
    );
  });

  it("is held by this machine's kernel", async function () {
    const cgroups = process.getuid?.() === 0 ? await findCgroups() : undefined;
    if (cgroups === undefined) return this.skip();
    const path = `/pintle-test-${process.pid}`;
    try {
      await limitGroup(cgroups, path, { ...limits, memoryBytesMost: 1024 * 1024 }, 55);
      const told = async (name: string) => {
        const { version } = cgroups;
        const [controller] = name.split(".");
        const root =
          version === 2 ? cgroups.root : (cgroups[controller as "cpu" | "memory" | "pids"] ?? cgroups.memory);
        return (await readFile(join(root, path, name), "utf8")).trim();
      };
      const isFirst = cgroups.version === 1;
      assert.equal(await told(isFirst ? "cpu.shares" : "cpu.weight"), isFirst ? "2048" : "174");
      assert.match(await told(isFirst ? "cpu.cfs_quota_us" : "cpu.max"), /^150000\b/);
      assert.equal(await told(isFirst ? "memory.limit_in_bytes" : "memory.max"), "1048576");
      if (await countsProcesses(cgroups)) assert.equal(await told("pids.max"), "55");
      await limitGroup(cgroups, path, { cpuShares: 2, cpuQuotaUs: 0, memoryBytesMost: 0 });
      assert.match(await told(isFirst ? "cpu.cfs_quota_us" : "cpu.max"), /^(-1|max)\b/);
    } finally {
      await removeGroup(cgroups, path);
    }
  });
});
