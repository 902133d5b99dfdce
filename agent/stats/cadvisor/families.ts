import type { Figures, InterfaceFigures, Traffic } from "./figures.ts";

/** One thing that is measured, with the labels of all its series. */
export interface Measured {
  readonly labels: string;
  readonly figures: Figures;
  readonly interfaces?: readonly InterfaceFigures[];
  readonly startedAtMs?: number | undefined;
}

type Value = number | undefined;
/** Values with labels of their own. */
type Values = readonly (readonly [labels: string, value: Value])[];

export interface CadvisorFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly of: (one: Measured) => Values;
}

const gauge = (name: string, help: string, of: (one: Measured) => Value): CadvisorFamily => ({
  name,
  help,
  type: "gauge",
  of: (one) => [["", of(one)]],
});

const counter = (name: string, help: string, of: (one: Measured) => Value): CadvisorFamily => ({
  ...gauge(name, help, of),
  type: "counter",
});

const memory = (
  name: string,
  help: string,
  of: (memory: NonNullable<Figures["memory"]>) => Value,
): CadvisorFamily =>
  gauge(`container_memory_${name}`, help, ({ figures }) => figures.memory && of(figures.memory));

const disk = (
  name: string,
  help: string,
  of: (disk: NonNullable<Figures["disks"]>[number]) => number,
): CadvisorFamily => ({
  name: `container_fs_${name}`,
  help,
  type: "gauge",
  of: ({ figures }) => (figures.disks ?? []).map((one) => [`device="${one.device}"`, of(one)]),
});

const io = (
  name: string,
  help: string,
  of: (device: NonNullable<Figures["io"]>[number]) => number,
): CadvisorFamily => ({
  name: `container_fs_${name}_total`,
  help,
  type: "counter",
  of: ({ figures }) => (figures.io ?? []).map((one) => [`device="${one.device}"`, of(one)]),
});

const traffic = (
  direction: "receive" | "transmit",
  name: string,
  help: string,
  of: (traffic: Traffic) => number,
): CadvisorFamily => ({
  name: `container_network_${direction}_${name}_total`,
  help,
  type: "counter",
  of: ({ interfaces = [] }) =>
    interfaces.map((one) => [
      `interface="${one.name}"`,
      of(direction === "receive" ? one.received : one.sent),
    ]),
});

const stall = (what: "cpu" | "memory" | "io", word: string): readonly CadvisorFamily[] => [
  counter(
    `container_pressure_${what}_stalled_seconds_total`,
    `Total time duration no tasks in the container could make progress due to ${word} congestion.`,
    ({ figures }) => figures.pressure?.[what]?.stalledSeconds,
  ),
  counter(
    `container_pressure_${what}_waiting_seconds_total`,
    `Total time duration tasks in the container have waited due to ${word} congestion.`,
    ({ figures }) => figures.pressure?.[what]?.waitingSeconds,
  ),
];

/** cAdvisor's names, helps and types, as the kubelet of 1.36 serves them. */
export const cadvisorFamilies: readonly CadvisorFamily[] = [
  {
    name: "container_cpu_usage_seconds_total",
    help: "Cumulative cpu time consumed in seconds.",
    type: "counter",
    of: ({ figures }) => [['cpu="total"', figures.cpu?.usageSeconds]],
  },
  counter(
    "container_cpu_user_seconds_total",
    "Cumulative user cpu time consumed in seconds.",
    ({ figures }) => figures.cpu?.userSeconds,
  ),
  counter(
    "container_cpu_system_seconds_total",
    "Cumulative system cpu time consumed in seconds.",
    ({ figures }) => figures.cpu?.systemSeconds,
  ),
  counter(
    "container_cpu_cfs_periods_total",
    "Number of elapsed enforcement period intervals.",
    ({ figures }) => figures.cfs?.periods,
  ),
  counter(
    "container_cpu_cfs_throttled_periods_total",
    "Number of throttled period intervals.",
    ({ figures }) => figures.cfs?.throttledPeriods,
  ),
  counter(
    "container_cpu_cfs_throttled_seconds_total",
    "Total time duration the container has been throttled.",
    ({ figures }) => figures.cfs?.throttledSeconds,
  ),
  memory("cache", "Number of bytes of page cache memory.", ({ cacheBytes }) => cacheBytes),
  memory("rss", "Size of RSS in bytes.", ({ rssBytes }) => rssBytes),
  memory("kernel_usage", "Size of kernel memory allocated in bytes.", ({ kernelBytes }) => kernelBytes),
  memory("mapped_file", "Size of memory mapped files in bytes.", ({ mappedFileBytes }) => mappedFileBytes),
  memory("swap", "Container swap usage in bytes.", ({ swapBytes }) => swapBytes),
  {
    ...memory("failcnt", "Number of memory usage hits limits", ({ failures }) => failures),
    type: "counter",
  },
  memory(
    "usage_bytes",
    "Current memory usage in bytes, including all memory regardless of when it was accessed",
    ({ usageBytes }) => usageBytes,
  ),
  memory("max_usage_bytes", "Maximum memory usage recorded in bytes", ({ maxUsageBytes }) => maxUsageBytes),
  memory("working_set_bytes", "Current working set in bytes.", ({ workingSetBytes }) => workingSetBytes),
  memory(
    "total_active_file_bytes",
    "Current total active file in bytes.",
    ({ activeFileBytes }) => activeFileBytes,
  ),
  memory(
    "total_inactive_file_bytes",
    "Current total inactive file in bytes.",
    ({ inactiveFileBytes }) => inactiveFileBytes,
  ),
  {
    name: "container_memory_failures_total",
    help: "Cumulative count of memory allocation failures.",
    type: "counter",
    of: ({ figures: { memory } }) => [
      ['failure_type="pgfault",scope="hierarchy"', memory?.pageFaults],
      ['failure_type="pgmajfault",scope="hierarchy"', memory?.majorPageFaults],
    ],
  },
  counter(
    "container_oom_events_total",
    "Count of out of memory events observed for the container",
    ({ figures }) => figures.oomKills,
  ),
  gauge(
    "container_processes",
    "Number of processes running inside the container.",
    ({ figures }) => figures.processes,
  ),
  gauge(
    "container_threads",
    "Number of threads running inside the container",
    ({ figures }) => figures.threads,
  ),
  gauge(
    "container_threads_max",
    "Maximum number of threads allowed inside the container, infinity if value is zero",
    ({ figures }) => figures.threadsMax,
  ),
  disk("inodes_free", "Number of available Inodes", ({ inodesFree }) => inodesFree),
  disk("inodes_total", "Number of Inodes", ({ inodes }) => inodes),
  disk(
    "limit_bytes",
    "Number of bytes that can be consumed by the container on this filesystem.",
    ({ limitBytes }) => limitBytes,
  ),
  disk(
    "usage_bytes",
    "Number of bytes that are consumed by the container on this filesystem.",
    ({ usageBytes }) => usageBytes,
  ),
  io("reads_bytes", "Cumulative count of bytes read", ({ readBytes }) => readBytes),
  io("reads", "Cumulative count of reads completed", ({ reads }) => reads),
  io("writes_bytes", "Cumulative count of bytes written", ({ writtenBytes }) => writtenBytes),
  io("writes", "Cumulative count of writes completed", ({ writes }) => writes),
  traffic("receive", "bytes", "Cumulative count of bytes received", ({ bytes }) => bytes),
  traffic("receive", "packets", "Cumulative count of packets received", ({ packets }) => packets),
  traffic(
    "receive",
    "packets_dropped",
    "Cumulative count of packets dropped while receiving",
    ({ dropped }) => dropped,
  ),
  traffic(
    "receive",
    "errors",
    "Cumulative count of errors encountered while receiving",
    ({ errors }) => errors,
  ),
  traffic("transmit", "bytes", "Cumulative count of bytes transmitted", ({ bytes }) => bytes),
  traffic("transmit", "packets", "Cumulative count of packets transmitted", ({ packets }) => packets),
  traffic(
    "transmit",
    "packets_dropped",
    "Cumulative count of packets dropped while transmitting",
    ({ dropped }) => dropped,
  ),
  traffic(
    "transmit",
    "errors",
    "Cumulative count of errors encountered while transmitting",
    ({ errors }) => errors,
  ),
  ...stall("cpu", "CPU"),
  ...stall("memory", "memory"),
  ...stall("io", "IO"),
  gauge(
    "container_spec_cpu_period",
    "CPU period of the container.",
    ({ figures }) => figures.limits?.cpuPeriodUs,
  ),
  gauge(
    "container_spec_cpu_quota",
    "CPU quota of the container.",
    ({ figures }) => figures.limits?.cpuQuotaUs,
  ),
  gauge(
    "container_spec_cpu_shares",
    "CPU share of the container.",
    ({ figures }) => figures.limits?.cpuShares,
  ),
  gauge(
    "container_spec_memory_limit_bytes",
    "Memory limit for the container.",
    ({ figures }) => figures.limits?.memoryBytes,
  ),
  gauge(
    "container_spec_memory_reservation_limit_bytes",
    "Memory reservation limit for the container.",
    ({ figures }) => figures.limits?.memoryReservationBytes,
  ),
  gauge(
    "container_spec_memory_swap_limit_bytes",
    "Memory swap limit for the container.",
    ({ figures }) => figures.limits?.memorySwapBytes,
  ),
  gauge(
    "container_start_time_seconds",
    "Start time of the container since unix epoch in seconds.",
    ({ startedAtMs }) => (startedAtMs === undefined ? undefined : Math.floor(startedAtMs / 1000)),
  ),
];
