import { strict as assert } from "node:assert";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { cpuSetText } from "../../cpus/cpu-set.ts";
import { readCpuTopology } from "../../cpus/cpu-topology.ts";
import { openLoopbackPods } from "../../network/loopback-pods.ts";
import { chooseRuntime, podLimitsOf } from "../choose.ts";
import { containerConfig, sandboxConfig } from "../suite-configs.ts";
import { SupervisedRuntime } from "../supervised/runtime.ts";
import { cgroupStats, removeGroup } from "./cgroups.ts";
import { ociLauncher } from "./launcher.ts";
import { overlayFilesystems } from "./root-filesystem.ts";

const os = {
  clock: systemClock,
  disk: systemDisk,
  random: systemRandom,
  log: silentLog,
  metrics: new MetricsRegistry(),
};

describe("a running container", function () {
  this.timeout(120_000);
  const memory = 64 * 1024 * 1024;
  for (const program of ["crun", "runc"])
    it(`is given other resources, which it sees and its record keeps (${program})`, async function () {
      const rootDir = await mkdtemp(join(tmpdir(), "pintle-resize-"));
      await chmod(rootDir, 0o711);
      const nodeName = `resize-${process.pid}`;
      const chosen = await chooseRuntime({ runtime: "auto", ociRuntime: program, rootDir, nodeName });
      if (chosen.kind !== "oci") this.skip();
      const filesystems = overlayFilesystems({ lowerDirs: async () => ["/"] });
      const ranges = { nodeIp: "127.0.0.1", podCidr: "127.78.0.0/24", stateDir: "/nowhere" };
      const network = openLoopbackPods({ nodeName, ...ranges, mode: "loopback" });
      const launcher = ociLauncher(chosen.config, { filesystems });
      const open = () => SupervisedRuntime.open({ rootDir }, { launcher, network, os });
      let runtime = await open();
      try {
        const sandbox = await runtime.runPodSandbox(sandboxConfig("resized"));
        const { pod } = sandboxConfig("resized");
        const group = { cpuShares: 300, cpuQuotaUs: 50_000, memoryBytesMost: 4 * memory };
        await podLimitsOf(chosen)?.limit(pod.uid, group);
        const resources = { cpuShares: 100, cpuQuotaUs: 20_000, memoryBytesMost: memory, oomScoreAdj: 0 };
        const config = containerConfig(["sleep", "4331"], join(rootDir, "logs", "0.log"));
        const id = await runtime.createContainer(sandbox, {
          ...config,
          resources,
          annotations: { podUid: pod.uid },
        });
        await runtime.startContainer(id);
        const read = async () => {
          const files = "memory.max cpu.max memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us";
          const script = `cd /sys/fs/cgroup; for f in ${files}; do [ -e $f ] && cat $f; done; true`;
          const { stdout } = await runtime.execSync(id, ["/bin/sh", "-c", script], 60_000);
          return Buffer.from(stdout).toString();
        };
        assert.match(await read(), /\b20000\b/);
        const runsOn = async () => {
          const { stdout } = await runtime.execSync(id, ["cat", "/proc/self/status"], 60_000);
          return /^Cpus_allowed_list:\s+(\S+)$/m.exec(Buffer.from(stdout).toString())?.[1];
        };
        const all = (await readCpuTopology()).map((one) => one.id);
        const last = String(all.at(-1));
        const everywhere = await runsOn();
        await runtime.updateContainer(id, { ...resources, cpus: last }, {});
        assert.equal(await runsOn(), last);
        await runtime.updateContainer(id, { ...resources, cpus: cpuSetText(new Set(all)) }, {});
        assert.equal(await runsOn(), everywhere);
        for (const [cpuQuotaUs, memoryBytesMost] of [
          [40_000, 2 * memory],
          [30_000, memory],
        ] as const) {
          const wanted = { ...resources, cpuShares: 200, cpuQuotaUs, memoryBytesMost };
          await runtime.updateContainer(id, wanted, { resources: `${cpuQuotaUs}` });
          const now = await read();
          for (const value of [cpuQuotaUs, memoryBytesMost]) assert.match(now, new RegExp(`\\b${value}\\b`));
        }
        // What it takes its pod's group takes, which is held to what the pod may.
        const { memoryBytes } = await cgroupStats(
          chosen.config.cgroups,
          `${chosen.config.cgroupParent}/pod${pod.uid}`,
        );
        assert.ok(memoryBytes > 0, `${memoryBytes}`);
        await assert.rejects(
          podLimitsOf(chosen)?.limit(pod.uid, { ...group, memoryBytesMost: 4096 }) ?? Promise.resolve(),
          /^Error: cannot decrease memory limits: attempting to set pod memory limit \(4096\) below current usage/,
        );
        await runtime.close();
        runtime = await open();
        const status = runtime.containerStatus(id);
        assert.deepEqual([status?.annotations.resources, status?.state.phase], ["30000", "running"]);
        await runtime.stopContainer(id, 0);
        await assert.rejects(runtime.updateContainer(id, resources, {}), /is not running/);
      } finally {
        for (const { id } of runtime.listPodSandboxes()) await runtime.removePodSandbox(id);
        await runtime.close();
        await removeGroup(chosen.config.cgroups, chosen.config.cgroupParent);
        await rm(rootDir, { recursive: true, force: true });
      }
    });
});
