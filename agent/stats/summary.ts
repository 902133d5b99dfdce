import type {
  ContainerSummary,
  CpuStats,
  FsStats,
  MemoryStats,
  PodSummary,
  StatsSummary,
  VolumeSummary,
} from "../../client/rules/stats-summary.ts";
import type { ContainerStats, SandboxStatus } from "../runtime/seam.ts";
import type { ContainerDisk, DiskUse } from "./container-disks.ts";
import type { FolderUse } from "./machine-use.ts";
import type { Measured, NodeSample } from "./sampler.ts";

export interface SummaryInput {
  readonly nodeName: string;
  readonly bootMs: number;
  readonly sample: NodeSample;
  readonly sandboxes: readonly SandboxStatus[];
  /** Absent where only CPU and memory were asked for. */
  readonly disks?: NodeDisks;
  /** Process numbers; absent as `disks`. */
  readonly processes?: { readonly most: number; readonly used: number };
  /** By the pod's uid; absent as `disks`. */
  readonly volumes?: ReadonlyMap<string, readonly VolumeSummary[]>;
  /** By the container's id; absent as `disks`. */
  readonly containers?: ReadonlyMap<string, ContainerDisk>;
  /** Whether a volume of a pod lies on the node's disk as its own. */
  readonly isOwn?: (podUid: string, volume: string) => boolean;
}

export interface NodeDisks {
  readonly pods: FolderUse;
  readonly images: FolderUse;
  /** What containers write to their own roots. */
  readonly layers: FolderUse;
}

/** What /stats/summary answers. Pure. */
export function summaryOf({
  nodeName,
  bootMs,
  sample,
  sandboxes,
  disks,
  processes,
  ...ofPods
}: SummaryInput): StatsSummary {
  const { machine } = sample;
  const time = timeOf(machine.atMs);
  const { workingSetBytes, availableBytes } = machine.use;
  const used = { availableBytes, usageBytes: workingSetBytes, workingSetBytes };
  return {
    node: {
      nodeName,
      startTime: timeOf(bootMs),
      cpu: cpuOf(machine),
      memory: { time, ...used, ...memoryDetails(machine.use) },
      ...(disks !== undefined && {
        fs: fsOf(time, disks.pods),
        runtime: { imageFs: fsOf(time, disks.images), containerFs: fsOf(time, disks.layers) },
      }),
      ...(processes !== undefined && {
        rlimit: { time, maxpid: processes.most, curproc: processes.used },
      }),
    },
    pods: podsOf(sample, sandboxes, { ...ofPods, ...(disks !== undefined && { disks }) }),
  };
}

type Disks = Pick<SummaryInput, "disks" | "volumes" | "containers" | "isOwn">;

function podsOf(
  sample: NodeSample,
  sandboxes: readonly SandboxStatus[],
  { disks, volumes, containers: diskUse, isOwn = () => false }: Disks,
): readonly PodSummary[] {
  const started = new Map<string, number>();
  for (const { pod, createdAtMs } of sandboxes)
    started.set(pod.uid, Math.min(createdAtMs, started.get(pod.uid) ?? createdAtMs));
  const pods = new Map<
    string,
    { podRef: PodSummary["podRef"]; containers: ContainerSummary[]; processes: (number | undefined)[] }
  >();
  for (const { id, name, pod, state } of sample.running) {
    const measured = sample.containers.get(id);
    if (measured === undefined || state.phase !== "running") continue;
    const { namespace, name: podName, uid } = pod;
    const known = pods.get(uid) ?? {
      podRef: { name: podName, namespace, uid },
      containers: [],
      processes: [],
    };
    pods.set(uid, known);
    known.processes.push(measured.use.processes);
    known.containers.push({
      name,
      startTime: timeOf(state.startedAtMs),
      cpu: cpuOf(measured),
      memory: memoryOf(measured),
      ...containerDisks(diskUse?.get(id), disks),
    });
  }
  return [...pods].map(([uid, { podRef, containers, processes }]) => ({
    podRef,
    startTime: timeOf(started.get(uid) ?? 0),
    containers,
    ...totalOf(containers),
    ...withVolumes(volumes?.get(uid)),
    ...ephemeralStorage(
      containers,
      (volumes?.get(uid) ?? []).filter(({ name }) => isOwn(uid, name)),
      disks,
    ),
    ...processCount(processes),
  }));
}

function containerDisks(
  use: ContainerDisk | undefined,
  disks: NodeDisks | undefined,
): Pick<ContainerSummary, "rootfs" | "logs"> {
  if (use === undefined || disks === undefined) return {};
  const { atMs, rootfs, logs } = use;
  const of = (disk: FolderUse, part: DiskUse) => ({ ...fsOf(timeOf(atMs), disk), ...part });
  return {
    ...(rootfs !== undefined && { rootfs: of(disks.layers, rootfs) }),
    ...(logs !== undefined && { logs: of(disks.pods, logs) }),
  };
}

/** Nothing before a first container was measured. */
function ephemeralStorage(
  containers: readonly ContainerSummary[],
  own: readonly VolumeSummary[],
  disks: NodeDisks | undefined,
): Pick<PodSummary, "ephemeral-storage"> {
  const parts = [...containers.flatMap(({ rootfs, logs }) => [rootfs ?? [], logs ?? []].flat()), ...own];
  const time = containers.flatMap(({ logs }) => logs?.time ?? []).sort()[0];
  if (time === undefined || disks === undefined) return {};
  const sum = (of: (part: FsStats) => number | undefined) =>
    parts.reduce((all, part) => all + (of(part) ?? 0), 0);
  return {
    "ephemeral-storage": {
      ...fsOf(time, disks.pods),
      usedBytes: sum(({ usedBytes }) => usedBytes),
      inodesUsed: sum(({ inodesUsed }) => inodesUsed),
    },
  };
}

/** Nothing where those of a container are not counted. */
function processCount(counts: readonly (number | undefined)[]): Pick<PodSummary, "process_stats"> {
  const known = counts.filter((one) => one !== undefined);
  if (known.length < counts.length) return {};
  return { process_stats: { process_count: known.reduce((sum, one) => sum + one, 0) } };
}

const withVolumes = (volume: readonly VolumeSummary[] | undefined) =>
  volume === undefined ? {} : { volume };

/** A pod takes what its containers take. */
function totalOf(containers: readonly ContainerSummary[]): Pick<PodSummary, "cpu" | "memory"> {
  const time = containers.map(({ cpu }) => cpu?.time ?? "").sort()[0] ?? "";
  const sum = (of: (one: ContainerSummary) => number | undefined) =>
    containers.reduce<number | undefined>((total, one) => {
      const part = of(one);
      return total === undefined || part === undefined ? undefined : total + part;
    }, 0);
  const rate = sum(({ cpu }) => cpu?.usageNanoCores);
  return {
    cpu: {
      time,
      ...(rate !== undefined && { usageNanoCores: rate }),
      usageCoreNanoSeconds: sum(({ cpu }) => cpu?.usageCoreNanoSeconds) ?? 0,
    },
    memory: {
      time,
      usageBytes: sum(({ memory }) => memory?.usageBytes) ?? 0,
      workingSetBytes: sum(({ memory }) => memory?.workingSetBytes) ?? 0,
      ...memoryDetails({
        rssBytes: sum(({ memory }) => memory?.rssBytes),
        pageFaults: sum(({ memory }) => memory?.pageFaults),
        majorPageFaults: sum(({ memory }) => memory?.majorPageFaults),
      }),
    },
  };
}

type MemoryDetails = Pick<MemoryStats, "rssBytes" | "pageFaults" | "majorPageFaults">;

/** Those that are counted. */
function memoryDetails({
  rssBytes,
  pageFaults,
  majorPageFaults,
}: { readonly [K in keyof MemoryDetails]: MemoryDetails[K] | undefined }): MemoryDetails {
  return {
    ...(rssBytes !== undefined && { rssBytes }),
    ...(pageFaults !== undefined && { pageFaults }),
    ...(majorPageFaults !== undefined && { majorPageFaults }),
  };
}

function cpuOf({ atMs, use, rate }: Measured<{ readonly cpuNanos: number }>): CpuStats {
  return {
    time: timeOf(atMs),
    ...(rate !== undefined && { usageNanoCores: rate.cpuNanosPerSecond, usageWindowMs: rate.spanMs }),
    usageCoreNanoSeconds: use.cpuNanos,
  };
}

function memoryOf({ atMs, use }: Measured<ContainerStats>): MemoryStats {
  const { memoryBytes: usageBytes, workingSetBytes } = use;
  return { time: timeOf(atMs), usageBytes, workingSetBytes, ...memoryDetails(use) };
}

function fsOf(time: string, { inodes, inodesFree, ...bytes }: FolderUse): FsStats {
  return { time, ...bytes, inodes, inodesFree, inodesUsed: inodes - inodesFree };
}

export const timeOf = (wallMs: number) =>
  `${new Date(Math.floor(wallMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
