import { ProbeCounts } from "../../agent/probes/probe-counts.ts";
import { cadvisorText } from "../../agent/stats/cadvisor/cadvisor-text.ts";
import type { Figures } from "../../agent/stats/cadvisor/figures.ts";

const traffic = { bytes: 0, packets: 0, errors: 0, dropped: 0 };
const stall = { waitingSeconds: 0, stalledSeconds: 0 };

/** All that can be measured anywhere. */
const figures: Figures = {
  cpu: { usageSeconds: 0, userSeconds: 0, systemSeconds: 0 },
  cfs: { periods: 0, throttledPeriods: 0, throttledSeconds: 0 },
  memory: {
    usageBytes: 0,
    workingSetBytes: 0,
    rssBytes: 0,
    cacheBytes: 0,
    swapBytes: 0,
    kernelBytes: 0,
    mappedFileBytes: 0,
    activeFileBytes: 0,
    inactiveFileBytes: 0,
    maxUsageBytes: 0,
    failures: 0,
    pageFaults: 0,
    majorPageFaults: 0,
  },
  oomKills: 0,
  processes: 0,
  threads: 0,
  threadsMax: 0,
  io: [{ device: "", readBytes: 0, writtenBytes: 0, reads: 0, writes: 0 }],
  disks: [{ device: "", limitBytes: 0, usageBytes: 0, inodes: 0, inodesFree: 0 }],
  pressure: { cpu: stall, memory: stall, io: stall },
  limits: {
    cpuShares: 0,
    cpuPeriodUs: 0,
    cpuQuotaUs: 0,
    memoryBytes: 0,
    memoryReservationBytes: 0,
    memorySwapBytes: 0,
  },
};

export function sampleCadvisorText(): string {
  const about = {
    ...{ nowMs: 0, kernel: "", osImage: "", version: "", machineId: "", bootId: "" },
    ...{ cpus: { cores: 0, physicalCores: 0, sockets: 0 }, memoryBytes: 0, swapBytes: 0 },
  };
  const labels = ["container", "id", "image", "name", "namespace", "pod"].map((name) => `${name}=""`).join();
  const interfaces = [{ name: "", received: traffic, sent: traffic }];
  return cadvisorText([{ labels, figures, interfaces, startedAtMs: 0 }], about);
}

export function sampleProbesText(): string {
  const counts = new ProbeCounts();
  counts.count({ podUid: "", container: "", kind: "liveness", result: "successful", seconds: 0 });
  return counts.text(new Map([["", { namespace: "", name: "" }]]));
}
