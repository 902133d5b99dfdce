import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { statsTimes } from "../../client/rules/stats-summary.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { type ContainerStats, type RuntimeContainer, RuntimeError } from "../runtime/seam.ts";
import { bootMs, machineUse } from "./machine-use.ts";
import { resourceMetricsText } from "./resource-metrics.ts";
import { idleMs, StatsSampler } from "./sampler.ts";
import { summaryOf } from "./summary.ts";

const pod = { namespace: "shop", name: "web-1", uid: "u1" };
const container = (id: string, name: string): RuntimeContainer => ({
  id,
  sandboxId: "s",
  pod,
  name,
  attempt: 0,
  image: "i",
  imageId: "i",
  logPath: "/l",
  annotations: {},
  createdAtMs: 0,
  state: { phase: "running", startedAtMs: 5_000 },
});

describe("agent/stats: what a node, its pods and their containers take", () => {
  let clock: ManualClock;
  let sampler: StatsSampler;
  let running: RuntimeContainer[];
  let use: Record<string, ContainerStats>;
  let samples: number;
  beforeEach(() => {
    clock = new ManualClock();
    running = [container("a", "web"), container("b", "side")];
    use = {
      a: { cpuNanos: 1e9, memoryBytes: 3000, workingSetBytes: 2000 },
      b: { cpuNanos: 5e8, memoryBytes: 300, workingSetBytes: 300 },
    };
    samples = 0;
    sampler = new StatsSampler({
      runtime: {
        listContainers: () => running,
        containerStats: async (id) => {
          const found = use[id];
          if (found === undefined) throw new RuntimeError("gone");
          return found;
        },
      },
      machine: async () => {
        samples++;
        const counts = { rssBytes: 5e5, pageFaults: 70, majorPageFaults: 7 };
        return { cpuNanos: samples * 4e9, workingSetBytes: 1e6, availableBytes: 2e6, ...counts };
      },
      clock,
      log: silentLog,
    });
  });
  afterEach(() => sampler.close());

  const sandbox = { id: "s", pod, attempt: 0, state: "ready", createdAtMs: 4_000, podIp: "" } as const;
  /** The first answer takes a second sample. */
  const current = async () => {
    const sample = sampler.current();
    await clock.advance(statsTimes.firstSampleMs);
    return sample;
  };
  const summary = async () =>
    summaryOf({ nodeName: "n1", bootMs: 1_000, sample: await sampler.current(), sandboxes: [sandbox] });

  it("tells whoever asks first what was used in a second, then in the time between two samples", async () => {
    const asked = summary();
    await clock.advance(0);
    use = { ...use, a: { cpuNanos: 1.25e9, memoryBytes: 3000, workingSetBytes: 2000 } };
    await clock.advance(statsTimes.firstSampleMs);
    const first = (await asked).pods[0];
    assert.deepEqual(first?.podRef, { name: "web-1", namespace: "shop", uid: "u1" });
    assert.equal(first.cpu?.usageNanoCores, 2.5e8);
    assert.equal(first.cpu?.usageCoreNanoSeconds, 1.75e9);
    assert.deepEqual(
      first.containers.map(({ cpu }) => [cpu?.usageNanoCores, cpu?.usageWindowMs]),
      [
        [2.5e8, 1000],
        [0, 1000],
      ],
    );
    use = { ...use, a: { cpuNanos: 3.25e9, memoryBytes: 4000, workingSetBytes: 2500 } };
    await clock.advance(statsTimes.sampleMs);
    const { node, pods } = await summary();
    assert.equal(node.cpu?.usageNanoCores, 4e8);
    assert.equal(node.cpu?.usageWindowMs, statsTimes.sampleMs);
    assert.deepEqual(
      pods[0]?.containers.map(({ name, cpu, memory }) => [
        name,
        cpu?.usageNanoCores,
        memory?.workingSetBytes,
      ]),
      [
        ["web", 2e8, 2500],
        ["side", 0, 300],
      ],
    );
    assert.equal(pods[0].cpu?.usageNanoCores, 2e8);
    assert.equal(pods[0].memory?.workingSetBytes, 2800);
  });

  it("tells the disks of pods, images and what containers write, and how many processes there are", async () => {
    await current();
    use = { ...use, a: { ...use.a, processes: 3 } as never, b: { ...use.b, processes: 2 } as never };
    await clock.advance(statsTimes.sampleMs);
    const disk = (capacityBytes: number) => ({
      ...{ capacityBytes, availableBytes: 1, usedBytes: 2 },
      ...{ inodes: 9, inodesFree: 4 },
    });
    const asked = { nodeName: "n1", bootMs: 1_000, sample: await sampler.current(), sandboxes: [sandbox] };
    const disks = { pods: disk(10), images: disk(20), layers: disk(30) };
    const { node, pods } = summaryOf({ ...asked, disks, processes: { most: 100, used: 7 } });
    const { imageFs, containerFs } = node.runtime ?? {};
    assert.deepEqual(
      [node.fs, imageFs, containerFs].map((fs) => [fs?.capacityBytes, fs?.inodesUsed]),
      [
        [10, 5],
        [20, 5],
        [30, 5],
      ],
    );
    assert.deepEqual([node.rlimit?.maxpid, node.rlimit?.curproc], [100, 7]);
    assert.deepEqual(pods[0]?.process_stats, { process_count: 5 });
    assert.equal(pods[0]["ephemeral-storage"], undefined);
    assert.equal((await summary()).node.rlimit, undefined);
  });

  it("tells what containers hold of the disk, and their pods with volumes of their own", async () => {
    await current();
    const disk = { capacityBytes: 100, availableBytes: 10, usedBytes: 90, inodes: 9, inodesFree: 4 };
    const volume = (name: string) => ({ time: "t", name, usedBytes: 1000, inodesUsed: 100 });
    const { pods } = summaryOf({
      ...{ nodeName: "n1", bootMs: 1_000, sample: await sampler.current(), sandboxes: [sandbox] },
      disks: { pods: disk, images: disk, layers: { ...disk, capacityBytes: 300 } },
      volumes: new Map([["u1", [volume("own"), volume("claimed")]]]),
      containers: new Map([
        [
          "a",
          { atMs: 2_000, rootfs: { usedBytes: 1, inodesUsed: 2 }, logs: { usedBytes: 3, inodesUsed: 4 } },
        ],
        ["b", { atMs: 1_000, logs: { usedBytes: 5, inodesUsed: 6 } }],
      ]),
      isOwn: (uid, name) => uid === "u1" && name === "own",
    });
    const told = (fs: { capacityBytes?: number; usedBytes?: number; inodesUsed?: number } | undefined) =>
      fs && [fs.capacityBytes, fs.usedBytes, fs.inodesUsed];
    assert.deepEqual(
      pods[0]?.containers.map(({ rootfs, logs }) => [told(rootfs), told(logs)]),
      [
        [
          [300, 1, 2],
          [100, 3, 4],
        ],
        [undefined, [100, 5, 6]],
      ],
    );
    assert.deepEqual(told(pods[0]["ephemeral-storage"]), [100, 1009, 112]);
    assert.equal(pods[0]["ephemeral-storage"]?.time, "1970-01-01T00:00:01Z");
  });

  it("tells of memory that is no file's, and of page faults, where they are counted", async () => {
    const counts = { rssBytes: 10, pageFaults: 20, majorPageFaults: 3 };
    use = { a: { ...use.a, ...counts } as never, b: { ...use.b, ...counts, rssBytes: 7 } as never };
    await current();
    const { node, pods } = await summary();
    const told = (memory: object | undefined) => {
      const { rssBytes, pageFaults, majorPageFaults } = (memory ?? {}) as Partial<typeof counts>;
      return [rssBytes, pageFaults, majorPageFaults];
    };
    assert.deepEqual(told(node.memory), [5e5, 70, 7]);
    assert.deepEqual(told(pods[0]?.containers[1]?.memory), [7, 20, 3]);
    assert.deepEqual(told(pods[0]?.memory), [17, 40, 6]);
    use = { ...use, b: { cpuNanos: 6e8, memoryBytes: 300, workingSetBytes: 300 } };
    await clock.advance(statsTimes.sampleMs);
    assert.deepEqual(told((await summary()).pods[0]?.memory), [undefined, undefined, undefined]);
  });

  it("measures nothing once nobody has asked for a while, and then begins anew", async () => {
    await current();
    for (let round = 0; round < 3; round++) await clock.advance(statsTimes.sampleMs);
    assert.equal(samples, 5);
    for (let ms = 0; ms < 3 * idleMs; ms += statsTimes.sampleMs) await clock.advance(statsTimes.sampleMs);
    const ended = samples;
    await clock.advance(10 * idleMs);
    assert.equal(samples, ended);
    // What was used meanwhile is no usage of now.
    assert.equal((await current()).machine.rate?.spanMs, statsTimes.firstSampleMs);
    assert.equal(samples, ended + 2);
  });

  it("leaves out containers that ended, and gives one that is new no rate of another, but soon its own", async () => {
    await current();
    running = [container("b", "side"), container("c", "web"), container("gone", "x")];
    use = { ...use, c: { cpuNanos: 7e9, memoryBytes: 1, workingSetBytes: 1 } };
    await clock.advance(statsTimes.sampleMs);
    const [only] = (await summary()).pods;
    assert.deepEqual(
      only?.containers.map(({ name, cpu }) => [name, cpu?.usageNanoCores]),
      [
        ["side", 0],
        ["web", undefined],
      ],
    );
    assert.equal(only.cpu?.usageNanoCores, undefined);
    await clock.advance(statsTimes.firstSampleMs);
    assert.equal((await summary()).pods[0]?.containers[1]?.cpu?.usageNanoCores, 0);
  });

  it("leaves nobody waiting for a second sample at its end", async () => {
    const asked = sampler.current();
    await clock.advance(0);
    sampler.close();
    await assert.rejects(asked, /the agent ends/);
  });

  it("says the same in Prometheus' format, under the kubelet's names", async () => {
    await current();
    const text = resourceMetricsText(await summary());
    assert.match(
      text,
      /^# HELP container_cpu_usage_seconds_total \[STABLE\] Cumulative cpu time consumed by the container in core-seconds\n# TYPE container_cpu_usage_seconds_total counter\ncontainer_cpu_usage_seconds_total\{container="web",namespace="shop",pod="web-1"\} 1 \d+\n/,
    );
    for (const line of [
      /^container_memory_working_set_bytes\{container="side",namespace="shop",pod="web-1"\} 300 \d+$/m,
      /^container_start_time_seconds\{container="web",namespace="shop",pod="web-1"\} 5$/m,
      /^node_cpu_usage_seconds_total 8 \d+$/m,
      /^node_memory_working_set_bytes 1000000 \d+$/m,
      /^pod_cpu_usage_seconds_total\{namespace="shop",pod="web-1"\} 1.5 \d+$/m,
      /^pod_memory_working_set_bytes\{namespace="shop",pod="web-1"\} 2300 \d+$/m,
      /^resource_scrape_error 0$/m,
    ])
      assert.match(text, line);
  });

  it("reads the machine's figures", () => {
    const stat = "cpu  10 20 30 400 50 6 7 8 0 0\ncpu0 1 2 3 4\nbtime 1700000000\n";
    assert.equal(machineUse(stat, "").cpuNanos, (10 + 20 + 30 + 6 + 7) * 1e7);
    assert.equal(bootMs(stat), 1_700_000_000_000);
    const memory = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    600 kB\n";
    assert.deepEqual(machineUse(stat, memory).workingSetBytes, 400 * 1024);
    const { rssBytes, pageFaults, majorPageFaults } = machineUse(
      stat,
      "AnonPages:  9 kB\n",
      "pgfault 70\npgmajfault 7\n",
    );
    assert.deepEqual([rssBytes, pageFaults, majorPageFaults], [9 * 1024, 70, 7]);
  });
});
