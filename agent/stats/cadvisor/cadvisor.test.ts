import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { type ContainerStats, type RuntimeContainer, RuntimeError } from "../../runtime/seam.ts";
import { readMachine } from "../../status/machine.ts";
import { cadvisorText } from "./cadvisor-text.ts";
import { ioV2, readGroup, stallOf } from "./group-figures.ts";
import { readInterfaces } from "./interfaces.ts";
import { Cadvisor } from "./serve-cadvisor.ts";

const v2 = {
  "cgroup.procs": "11\n12\n",
  "cpu.stat":
    "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 40\nnr_throttled 4\nthrottled_usec 120000\n",
  "cpu.max": "50000 100000\n",
  "cpu.weight": "100\n",
  "memory.current": "10000\n",
  "memory.peak": "20000\n",
  "memory.stat":
    "anon 4000\nfile 5000\nkernel 700\nfile_mapped 300\ninactive_file 2000\nactive_file 1000\npgfault 9\npgmajfault 1\n",
  "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n",
  "memory.max": "max\n",
  "memory.low": "0\n",
  "memory.swap.current": "0\n",
  "memory.swap.max": "4096\n",
  "pids.current": "5\n",
  "pids.max": "max\n",
  "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n",
  "cpu.pressure":
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n",
};

const v1 = {
  "cpuacct/cpuacct.usage": "2500000000\n",
  "cpuacct/cpuacct.stat": "user 200\nsystem 50\n",
  "cpu/cpu.stat": "nr_periods 40\nnr_throttled 4\nthrottled_time 120000000\n",
  "cpu/cpu.cfs_quota_us": "50000\n",
  "cpu/cpu.cfs_period_us": "100000\n",
  "cpu/cpu.shares": "512\n",
  "memory/cgroup.procs": "11\n12\n",
  "memory/memory.usage_in_bytes": "10000\n",
  "memory/memory.max_usage_in_bytes": "20000\n",
  "memory/memory.failcnt": "3\n",
  "memory/memory.kmem.usage_in_bytes": "700\n",
  "memory/memory.limit_in_bytes": "9223372036854771712\n",
  "memory/memory.stat":
    "cache 1\nrss 1\ntotal_cache 5000\ntotal_rss 4000\ntotal_swap 0\ntotal_mapped_file 300\ntotal_inactive_file 2000\ntotal_active_file 1000\ntotal_pgfault 9\ntotal_pgmajfault 1\n",
  "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
  "pids/pids.current": "5\n",
  "pids/pids.max": "max\n",
  "blkio/blkio.throttle.io_service_bytes": "8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\nTotal 30\n",
  "blkio/blkio.throttle.io_serviced": "8:0 Read 1\n8:0 Write 2\nTotal 3\n",
};

const common = {
  processes: 2,
  threads: 5,
  threadsMax: 0,
  oomKills: 1,
  cpu: { usageSeconds: 2.5, userSeconds: 2, systemSeconds: 0.5 },
  cfs: { periods: 40, throttledPeriods: 4, throttledSeconds: 0.12 },
  io: [{ device: "8:0", readBytes: 10, writtenBytes: 20, reads: 1, writes: 2 }],
  memory: {
    usageBytes: 10_000,
    workingSetBytes: 8_000,
    rssBytes: 4_000,
    cacheBytes: 5_000,
    swapBytes: 0,
    kernelBytes: 700,
    mappedFileBytes: 300,
    activeFileBytes: 1_000,
    inactiveFileBytes: 2_000,
    maxUsageBytes: 20_000,
    failures: 3,
    pageFaults: 9,
    majorPageFaults: 1,
  },
};

describe("agent/stats/cadvisor", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-cadvisor-"));
  });
  after(() => rm(folder, { recursive: true }));

  const write = async (root: string, files: Readonly<Record<string, string>>, path: string) => {
    for (const [name, text] of Object.entries(files)) {
      const [first = "", second] = name.split("/");
      const file = second === undefined ? join(root, path, first) : join(root, first, path, second);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  };

  it("reads control groups of version 2", async () => {
    const root = join(folder, "v2");
    await write(root, v2, "p/podu/c");
    assert.deepEqual(readGroup({ version: 2, root }, "/p/podu/c"), {
      ...common,
      pressure: { cpu: { waitingSeconds: 1.5, stalledSeconds: 0.5 }, memory: undefined, io: undefined },
      limits: {
        cpuShares: 2597,
        cpuPeriodUs: 100_000,
        cpuQuotaUs: 50_000,
        memoryBytes: 0,
        memoryReservationBytes: 0,
        memorySwapBytes: 4096,
      },
    });
    assert.equal(readGroup({ version: 2, root }, "/p/gone"), undefined);
  });

  it("reads control groups of version 1", async () => {
    const root = join(folder, "v1");
    await write(root, v1, "p/podu/c");
    const at = (name: string) => join(root, name);
    const cgroups = {
      ...{ version: 1 as const, memory: at("memory"), cpuacct: at("cpuacct") },
      ...{ cpu: at("cpu"), pids: at("pids") },
    };
    assert.deepEqual(readGroup(cgroups, "/p/podu/c"), {
      ...common,
      limits: {
        cpuShares: 512,
        cpuPeriodUs: 100_000,
        cpuQuotaUs: 50_000,
        memoryBytes: 0,
        memoryReservationBytes: undefined,
        memorySwapBytes: undefined,
      },
    });
  });

  it("counts interfaces but the loopback and the host's ends of pods", () => {
    const text = [
      "Inter-|   Receive                                                |  Transmit",
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
      "    lo:    9       9    0    0    0     0          0         0        9       9    0    0    0     0       0          0",
      "  eth0: 100 2 3 4 0 0 0 0 500 6 7 8 0 0 0 0",
      "ppd13e58140104: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0",
      "",
    ].join("\n");
    assert.deepEqual(readInterfaces(text), [
      {
        name: "eth0",
        received: { bytes: 100, packets: 2, errors: 3, dropped: 4 },
        sent: { bytes: 500, packets: 6, errors: 7, dropped: 8 },
      },
    ]);
  });

  it("passes over what it cannot read", () => {
    assert.deepEqual(ioV2("nonsense\n8:0\n"), [
      { device: "8:0", readBytes: 0, writtenBytes: 0, reads: 0, writes: 0 },
    ]);
    assert.equal(stallOf(undefined), undefined);
    assert.equal(stallOf("some avg10=0"), undefined);
  });

  it("tells of a container, its pod and the machine with the kubelet's labels", async () => {
    const root = join(folder, "whole");
    for (const path of ["p", "p/podu", "p/podu/c"]) await write(root, v2, path);
    const pod = { namespace: "n", name: "web", uid: "u" };
    const container = {
      ...{ id: "c", sandboxId: "s", pod, name: "main", image: 'a"b', attempt: 0, imageId: "", logPath: "" },
      ...{ annotations: {}, createdAtMs: 0, state: { phase: "running", startedAtMs: 5_000 } },
    } as const satisfies RuntimeContainer;
    const sandbox = {
      ...{ id: "s", pod, attempt: 0, createdAtMs: 4_000, podIp: "" },
      ...{ state: "ready" as const, networkProcess: process.pid },
    };
    const cadvisor = new Cadvisor({
      clock: systemClock,
      runtime: {
        listContainers: () => [container],
        listPodSandboxes: () => [sandbox],
        containerStats: () => assert.fail("its group is read"),
      },
      groups: { cgroups: { version: 2, root }, parent: "/p" },
      rootDir: folder,
      machine: await readMachine(folder),
      bootMs: 1_000,
    });
    const text = await cadvisor.text();
    const labels = 'container="main",id="/p/podu/c",image="a\\"b",name="c",namespace="n",pod="web"';
    for (const line of [
      `container_cpu_usage_seconds_total{${labels},cpu="total"} 2.5`,
      `container_memory_working_set_bytes{${labels}} 8000`,
      `container_start_time_seconds{${labels}} 5`,
      'container_memory_rss{container="",id="/p/podu",image="",name="",namespace="n",pod="web"} 4000',
      'container_memory_rss{container="",id="/p",image="",name="",namespace="",pod=""} 4000',
      'container_start_time_seconds{container="",id="/",image="",name="",namespace="",pod=""} 1',
    ])
      assert.ok(text.includes(`${line}\n`), line);
    assert.match(text, /^container_fs_limit_bytes\{container="",id="\/",.*device="[^"]+"\} \d+$/m);
    assert.match(text, /^machine_memory_bytes\{.*\} \d+$/m);
    assert.match(text, /^cadvisor_version_info\{.*\} 1$/m);
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assert.equal(names.length, new Set(names).size);
  });

  it("leaves out what nobody can measure of plain processes", async () => {
    const pod = { namespace: "n", name: "web", uid: "u" };
    const containers = ["c", "gone"].map(
      (id): RuntimeContainer => ({
        ...{ id, sandboxId: "s", pod, name: id, image: "i", attempt: 0, imageId: "", logPath: "" },
        ...{ annotations: {}, createdAtMs: 0, state: { phase: "running", startedAtMs: 5_000 } },
      }),
    );
    const stats: ContainerStats = {
      cpuNanos: 5e9,
      memoryBytes: 7,
      workingSetBytes: 7,
      rssBytes: 7,
      processes: 3,
    };
    const cadvisor = new Cadvisor({
      clock: systemClock,
      runtime: {
        listContainers: () => containers,
        listPodSandboxes: () => [{ id: "s", pod, attempt: 0, state: "ready", createdAtMs: 0, podIp: "" }],
        containerStats: async (id) => {
          if (id === "gone") throw new RuntimeError("it ended");
          return stats;
        },
      },
      groups: undefined,
      rootDir: folder,
      machine: await readMachine(folder),
      bootMs: 0,
    });
    const lines = (await cadvisor.text()).split("\n").filter((line) => line.includes('pod="web"'));
    assert.deepEqual(
      lines.map((line) => line.replace(/\{.*\}/, "").replace(/^container_last_seen \d+$/, "seen")),
      [
        "container_cpu_usage_seconds_total 5",
        "container_memory_rss 7",
        "container_memory_usage_bytes 7",
        "container_memory_working_set_bytes 7",
        "container_processes 3",
        "container_start_time_seconds 5",
        "seen",
      ],
    );
  });

  it("writes no family without a series", () => {
    const about = {
      ...{ nowMs: 0, kernel: "k", osImage: "o", version: "v", machineId: "m", bootId: "b" },
      ...{ cpus: { cores: 1, physicalCores: 1, sockets: 1 }, memoryBytes: 1, swapBytes: 0 },
    };
    assert.doesNotMatch(cadvisorText([], about), /container_cpu/);
  });
});
