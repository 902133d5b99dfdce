import { dirname, join } from "node:path";
import { type Cgroups, groupFolder } from "../../runtime/oci/cgroups.ts";
import type { DeviceIo, Figures, Limits, Pressure, Stall } from "./figures.ts";
import { kernelNumber, kernelTable, kernelText } from "./kernel-file.ts";

const ticksPerSecond = 100; // USER_HZ on every architecture that Node runs on
/** What v1 says of no limit is a little less than 2^63, page for page. */
const limitMost = 2 ** 62;

/** Of a control group, as cAdvisor reads it; undefined when it is gone. */
export function readGroup(cgroups: Cgroups, path: string): Figures | undefined {
  const processes = countLines(kernelText(join(groupFolder(cgroups, path), "cgroup.procs")));
  if (processes === undefined) return undefined;
  return { processes, ...(cgroups.version === 1 ? readV1(cgroups, path) : readV2(join(cgroups.root, path))) };
}

function countLines(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function readV1(cgroups: Cgroups & { readonly version: 1 }, path: string): Figures {
  const memory = join(cgroups.memory, path);
  const cpuacct = join(cgroups.cpuacct, path);
  const usage = kernelNumber(join(cpuacct, "cpuacct.usage")) ?? 0;
  const split = kernelTable(join(cpuacct, "cpuacct.stat"));
  const usageBytes = kernelNumber(join(memory, "memory.usage_in_bytes")) ?? 0;
  const stat = kernelTable(join(memory, "memory.stat"));
  const seconds = (name: string) => {
    const ticks = split.get(name);
    return ticks === undefined ? undefined : ticks / ticksPerSecond;
  };
  const limits = limitsV1(cgroups, path);
  const inactiveFileBytes = stat.get("total_inactive_file");
  return {
    cpu: { usageSeconds: usage / 1e9, userSeconds: seconds("user"), systemSeconds: seconds("system") },
    ...(limits.cpuQuotaUs !== undefined &&
      cgroups.cpu !== undefined &&
      cfsOf(kernelTable(join(cgroups.cpu, path, "cpu.stat")), ["throttled_time", 1e9])),
    memory: {
      usageBytes,
      workingSetBytes: Math.max(0, usageBytes - (inactiveFileBytes ?? 0)),
      rssBytes: stat.get("total_rss"),
      cacheBytes: stat.get("total_cache"),
      swapBytes: stat.get("total_swap"),
      kernelBytes: kernelNumber(join(memory, "memory.kmem.usage_in_bytes")),
      mappedFileBytes: stat.get("total_mapped_file"),
      activeFileBytes: stat.get("total_active_file"),
      inactiveFileBytes,
      maxUsageBytes: kernelNumber(join(memory, "memory.max_usage_in_bytes")),
      failures: kernelNumber(join(memory, "memory.failcnt")),
      pageFaults: stat.get("total_pgfault"),
      majorPageFaults: stat.get("total_pgmajfault"),
    },
    oomKills: kernelTable(join(memory, "memory.oom_control")).get("oom_kill"),
    ...(cgroups.pids !== undefined && threadsOf(join(cgroups.pids, path))),
    io: ioV1(join(dirname(cgroups.memory), "blkio", path)),
    limits,
  };
}

function limitsV1(cgroups: Cgroups & { readonly version: 1 }, path: string): Limits {
  const memory = join(cgroups.memory, path);
  const limit = (name: string) => bounded(kernelNumber(join(memory, name)));
  const ofMemory = {
    memoryBytes: limit("memory.limit_in_bytes"),
    memoryReservationBytes: limit("memory.soft_limit_in_bytes"),
    memorySwapBytes: limit("memory.memsw.limit_in_bytes"),
  };
  if (cgroups.cpu === undefined) return ofMemory;
  const cpu = join(cgroups.cpu, path);
  const quota = kernelNumber(join(cpu, "cpu.cfs_quota_us")) ?? -1;
  return {
    ...ofMemory,
    cpuShares: kernelNumber(join(cpu, "cpu.shares")),
    cpuPeriodUs: kernelNumber(join(cpu, "cpu.cfs_period_us")),
    ...(quota > 0 && { cpuQuotaUs: quota }),
  };
}

const bounded = (bytes: number | undefined) =>
  bytes === undefined ? undefined : bytes >= limitMost ? 0 : bytes;

function cfsOf(
  stat: ReadonlyMap<string, number>,
  [throttled, perSecond]: readonly [name: string, perSecond: number],
): Pick<Figures, "cfs"> {
  return {
    cfs: {
      periods: stat.get("nr_periods") ?? 0,
      throttledPeriods: stat.get("nr_throttled") ?? 0,
      throttledSeconds: (stat.get(throttled) ?? 0) / perSecond,
    },
  };
}

const threadsOf = (folder: string): Pick<Figures, "threads" | "threadsMax"> => {
  const threads = kernelNumber(join(folder, "pids.current"));
  return threads === undefined ? {} : { threads, threadsMax: kernelNumber(join(folder, "pids.max")) ?? 0 };
};

function ioV1(folder: string): readonly DeviceIo[] {
  const bytes = operations(kernelText(join(folder, "blkio.throttle.io_service_bytes")));
  const counts = operations(kernelText(join(folder, "blkio.throttle.io_serviced")));
  return [...bytes].map(([device, { Read = 0, Write = 0 }]) => ({
    device,
    readBytes: Read,
    writtenBytes: Write,
    reads: counts.get(device)?.Read ?? 0,
    writes: counts.get(device)?.Write ?? 0,
  }));
}

/** Lines of `8:0 Read 4096`. Pure. */
function operations(text = ""): ReadonlyMap<string, Readonly<Record<string, number>>> {
  const devices = new Map<string, Record<string, number>>();
  for (const line of text.split("\n")) {
    const [device = "", operation = "", value] = line.split(" ");
    if (!/^\d+:\d+$/.test(device) || (operation !== "Read" && operation !== "Write")) continue;
    const known = devices.get(device) ?? {};
    known[operation] = Number(value);
    devices.set(device, known);
  }
  return devices;
}

function readV2(folder: string): Figures {
  const cpu = kernelTable(join(folder, "cpu.stat"));
  const usageBytes = kernelNumber(join(folder, "memory.current"));
  const micros = (name: string) => {
    const value = cpu.get(name);
    return value === undefined ? undefined : value / 1e6;
  };
  const events = kernelTable(join(folder, "memory.events"));
  const limits = limitsV2(folder);
  return {
    cpu: {
      usageSeconds: micros("usage_usec") ?? 0,
      userSeconds: micros("user_usec"),
      systemSeconds: micros("system_usec"),
    },
    ...(limits.cpuQuotaUs !== undefined && cfsOf(cpu, ["throttled_usec", 1e6])),
    ...(usageBytes !== undefined && { memory: memoryV2(folder, usageBytes, events) }),
    oomKills: events.get("oom_kill"),
    ...threadsOf(folder),
    io: ioV2(kernelText(join(folder, "io.stat"))),
    pressure: pressureOf(folder),
    limits,
  };
}

function memoryV2(
  folder: string,
  usageBytes: number,
  events: ReadonlyMap<string, number>,
): NonNullable<Figures["memory"]> {
  const stat = kernelTable(join(folder, "memory.stat"));
  const inactiveFileBytes = stat.get("inactive_file");
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - (inactiveFileBytes ?? 0)),
    rssBytes: stat.get("anon"),
    cacheBytes: stat.get("file"),
    swapBytes: kernelNumber(join(folder, "memory.swap.current")),
    kernelBytes: stat.get("kernel"),
    mappedFileBytes: stat.get("file_mapped"),
    activeFileBytes: stat.get("active_file"),
    inactiveFileBytes,
    maxUsageBytes: kernelNumber(join(folder, "memory.peak")),
    failures: events.get("max"),
    pageFaults: stat.get("pgfault"),
    majorPageFaults: stat.get("pgmajfault"),
  };
}

function limitsV2(folder: string): Limits {
  const [quota = "max", period = ""] = (kernelText(join(folder, "cpu.max")) ?? "").trim().split(" ");
  const weight = kernelNumber(join(folder, "cpu.weight"));
  const most = kernelText(join(folder, "memory.max"));
  const swap = kernelText(join(folder, "memory.swap.max"));
  const bytes = (text: string | undefined) =>
    text === undefined ? undefined : text.startsWith("max") ? 0 : Number(text);
  return {
    ...(weight !== undefined && { cpuShares: Math.round(2 + ((weight - 1) * 262_142) / 9_999) }),
    ...(period !== "" && { cpuPeriodUs: Number(period) }),
    ...(quota !== "max" && quota !== "" && { cpuQuotaUs: Number(quota) }),
    memoryBytes: bytes(most),
    memoryReservationBytes: kernelNumber(join(folder, "memory.low")),
    memorySwapBytes: bytes(swap),
  };
}

/** Lines of `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`. Pure. */
export function ioV2(text = ""): readonly DeviceIo[] {
  return text.split("\n").flatMap((line) => {
    const [device = "", ...pairs] = line.trim().split(" ");
    if (!/^\d+:\d+$/.test(device)) return [];
    const found = new Map(pairs.map((pair) => pair.split("=", 2) as [string, string]));
    const of = (name: string) => Number(found.get(name) ?? 0);
    return [
      { device, readBytes: of("rbytes"), writtenBytes: of("wbytes"), reads: of("rios"), writes: of("wios") },
    ];
  });
}

function pressureOf(folder: string): Pressure {
  return {
    cpu: stallOf(kernelText(join(folder, "cpu.pressure"))),
    memory: stallOf(kernelText(join(folder, "memory.pressure"))),
    io: stallOf(kernelText(join(folder, "io.pressure"))),
  };
}

/** Lines of `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234`, in microseconds, and of `full …`. Pure. */
export function stallOf(text: string | undefined): Stall | undefined {
  const some = /^some .*total=(\d+)$/m.exec(text ?? "")?.[1];
  if (some === undefined) return undefined;
  const full = /^full .*total=(\d+)$/m.exec(text ?? "")?.[1] ?? "0";
  return { waitingSeconds: Number(some) / 1e6, stalledSeconds: Number(full) / 1e6 };
}
