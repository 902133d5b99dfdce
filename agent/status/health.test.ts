import { strict as assert } from "node:assert";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nothingReserved } from "../reserved.ts";
import { troubleOf } from "./health.ts";
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
    assert.equal(await troubleOf({ rootDir: dir, programs: [join(dir, "crun")] }), undefined);
  });

  it("says that the runtime's program is gone", async () => {
    await rm(join(dir, "crun"));
    assert.match(
      (await troubleOf({ rootDir: dir, programs: [join(dir, "crun")] })) ?? "",
      /runtime is down: .*crun: ENOENT/,
    );
  });

  it("says that nothing can be written", async () => {
    assert.match(
      (await troubleOf({ rootDir: join(dir, "none"), programs: [] })) ?? "",
      /cannot write below .*none: ENOENT/,
    );
  });

  it("shows trouble as Ready=False with its reason", () => {
    const node: NodeInput = {
      name: "n1",
      ip: "127.0.0.1",
      port: 1,
      maxPods: 1,
      labels: {},
      taints: [],
      reserved: nothingReserved,
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
      hugePages: [],
      machineId: "",
      bootId: "",
      kernel: "",
      osImage: "",
      architecture: "",
    };
    const status = nodeStatus(node, machine, [], undefined, "2026-01-01T00:00:00Z", "crun is gone");
    const ready = status.conditions?.find(({ type }) => type === "Ready");
    assert.deepEqual(
      [ready?.status, ready?.reason, ready?.message],
      ["False", "KubeletNotReady", "crun is gone"],
    );
  });
});
