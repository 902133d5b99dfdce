import { strict as assert } from "node:assert";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { troubleOf } from "./health.ts";
import { pressureOf, type Supplies } from "./machine.ts";
import { type NodeInput, nodeStatus } from "./node-object.ts";

describe("node health", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-health-"));
    await writeFile(join(dir, "crun"), "");
    await chmod(join(dir, "crun"), 0o755);
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it("is well while the runtime is there and the disk takes writes", async () => {
    assert.equal(await troubleOf(dir, [join(dir, "crun")]), undefined);
  });

  it("says that the runtime's program is gone", async () => {
    await rm(join(dir, "crun"));
    assert.match((await troubleOf(dir, [join(dir, "crun")])) ?? "", /runtime is down: .*crun: ENOENT/);
  });

  it("says that nothing can be written", async () => {
    assert.match((await troubleOf(join(dir, "none"), [])) ?? "", /cannot write below .*none: ENOENT/);
  });

  const plenty: Supplies = {
    memoryBytesFree: 1e9,
    disk: { blocks: 1000, bavail: 500, files: 1000, ffree: 500 },
    pidsMost: 1000,
    pidsUsed: 10,
  };
  const none = { memory: false, disk: false, pids: false };
  const disk = (more: Partial<Supplies["disk"]>) => ({ ...plenty, disk: { ...plenty.disk, ...more } });
  for (const [name, supplies, expected] of [
    ["plenty", plenty, none],
    ["100 Mi of memory", { ...plenty, memoryBytesFree: 100 << 20 }, none],
    ["less than 100 Mi", { ...plenty, memoryBytesFree: (100 << 20) - 1 }, { ...none, memory: true }],
    ["memory unknown", { ...plenty, memoryBytesFree: undefined }, none],
    ["10 % of the disk", disk({ bavail: 100 }), none],
    ["less than 10 %", disk({ bavail: 99 }), { ...none, disk: true }],
    ["less than 5 % of the inodes", disk({ ffree: 49 }), { ...none, disk: true }],
    ["a file system that counts no inodes", disk({ files: 0, ffree: 0 }), none],
    ["few process numbers", { ...plenty, pidsUsed: 951 }, { ...none, pids: true }],
  ] as const)
    it(`pressure: ${name}`, () => assert.deepEqual(pressureOf(supplies), expected));

  it("shows trouble as Ready=False with its reason", () => {
    const node: NodeInput = {
      name: "n1",
      ip: "127.0.0.1",
      port: 1,
      maxPods: 1,
      labels: {},
      taints: [],
      reservedCpuMillis: 0,
      reservedMemoryBytes: 0,
      runtimeVersion: "",
      agentVersion: "",
      supplementalGroups: true,
      recursiveReadOnly: true,
      externalCloud: false,
      providerId: undefined,
      annotations: {},
    };
    const machine = {
      hostname: "n1",
      cpus: 1,
      memoryBytes: 1,
      storageBytes: 1,
      machineId: "",
      bootId: "",
      kernel: "",
      osImage: "",
      architecture: "",
    };
    const status = nodeStatus(node, machine, none, undefined, "2026-01-01T00:00:00Z", "crun is gone");
    const ready = status.conditions?.find(({ type }) => type === "Ready");
    assert.deepEqual(
      [ready?.status, ready?.reason, ready?.message],
      ["False", "KubeletNotReady", "crun is gone"],
    );
  });
});
