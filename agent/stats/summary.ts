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
import type { FolderUse } from "./machine-use.ts";
import type { Measured, NodeSample } from "./sampler.ts";

export interface SummaryInput {
  readonly nodeName: string;
  readonly bootMs: number;
  readonly sample: NodeSample;
  readonly sandboxes: readonly SandboxStatus[];
  /** Absent where only CPU and memory were asked for. */
  readonly disk?: FolderUse;
  /** By the pod's uid; absent as `disk`. */
  readonly volumes?: ReadonlyMap<string, readonly VolumeSummary[]>;
}

/** What /stats/summary answers. Pure. */
export function summaryOf({
  nodeName,
  bootMs,
  sample,
  sandboxes,
  disk,
  volumes,
}: SummaryInput): StatsSummary {
  const { machine } = sample;
  const time = timeOf(machine.atMs);
  const { workingSetBytes, availableBytes } = machine.use;
  return {
    node: {
      nodeName,
      startTime: timeOf(bootMs),
      cpu: cpuOf(machine),
      memory: { time, availableBytes, usageBytes: workingSetBytes, workingSetBytes },
      ...(disk !== undefined && { fs: fsOf(time, disk) }),
    },
    pods: podsOf(sample, sandboxes, volumes),
  };
}

function podsOf(
  sample: NodeSample,
  sandboxes: readonly SandboxStatus[],
  volumes: SummaryInput["volumes"],
): readonly PodSummary[] {
  const started = new Map<string, number>();
  for (const { pod, createdAtMs } of sandboxes)
    started.set(pod.uid, Math.min(createdAtMs, started.get(pod.uid) ?? createdAtMs));
  const pods = new Map<string, { podRef: PodSummary["podRef"]; containers: ContainerSummary[] }>();
  for (const { id, name, pod, state } of sample.running) {
    const measured = sample.containers.get(id);
    if (measured === undefined || state.phase !== "running") continue;
    const { namespace, name: podName, uid } = pod;
    const known = pods.get(uid) ?? { podRef: { name: podName, namespace, uid }, containers: [] };
    pods.set(uid, known);
    known.containers.push({
      name,
      startTime: timeOf(state.startedAtMs),
      cpu: cpuOf(measured),
      memory: memoryOf(measured),
    });
  }
  return [...pods].map(([uid, { podRef, containers }]) => ({
    podRef,
    startTime: timeOf(started.get(uid) ?? 0),
    containers,
    ...totalOf(containers),
    ...withVolumes(volumes?.get(uid)),
  }));
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
    },
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
  return { time: timeOf(atMs), usageBytes: use.memoryBytes, workingSetBytes: use.workingSetBytes };
}

function fsOf(time: string, { inodes, inodesFree, ...bytes }: FolderUse): FsStats {
  return { time, ...bytes, inodes, inodesFree, inodesUsed: inodes - inodesFree };
}

export const timeOf = (wallMs: number) =>
  `${new Date(Math.floor(wallMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
