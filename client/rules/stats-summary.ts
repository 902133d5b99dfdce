/** What a node's agent answers at /stats/summary, as the kubelet does: what its machine, pods and containers take. */

export const statsTimes = {
  /** Between two samples: over this span usage of CPU is averaged. */
  sampleMs: 10_000,
  /** Before the second one of what was measured for the first time. */
  firstSampleMs: 1_000,
} as const;

export interface CpuStats {
  readonly time: string;
  /** Averaged over the last span; absent before there are two samples. */
  readonly usageNanoCores?: number;
  /** How long that span was; a kubelet does not say it. */
  readonly usageWindowMs?: number;
  readonly usageCoreNanoSeconds?: number;
}

export interface MemoryStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly usageBytes?: number;
  readonly workingSetBytes?: number;
  readonly rssBytes?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
}

export interface FsStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes?: number;
  readonly inodesFree?: number;
  readonly inodes?: number;
  readonly inodesUsed?: number;
}

export interface ContainerSummary {
  readonly name: string;
  readonly startTime: string;
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  /** Of the disk that it is on, and what of that the container wrote to its own root. */
  readonly rootfs?: FsStats;
  /** Likewise. */
  readonly logs?: FsStats;
}

export interface VolumeSummary extends FsStats {
  /** What the pod calls it. */
  readonly name: string;
  readonly pvcRef?: { readonly name: string; readonly namespace: string };
  /** Of CSI drivers that say so. */
  readonly volumeHealthStats?: { readonly abnormal: boolean };
}

export interface PodSummary {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly startTime: string;
  readonly containers: readonly ContainerSummary[];
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly volume?: readonly VolumeSummary[];
  /** Of the node's disk, and what of that the pod's containers and its own volumes hold. */
  readonly "ephemeral-storage"?: FsStats;
  readonly process_stats?: { readonly process_count: number };
}

export interface StatsSummary {
  readonly node: {
    readonly nodeName: string;
    readonly startTime: string;
    readonly cpu?: CpuStats;
    readonly memory?: MemoryStats;
    readonly fs?: FsStats;
    /** Of the disks that images, and what containers write, are on. */
    readonly runtime?: { readonly imageFs?: FsStats; readonly containerFs?: FsStats };
    /** Process numbers, which threads take, too. */
    readonly rlimit?: { readonly time: string; readonly maxpid: number; readonly curproc: number };
  };
  readonly pods: readonly PodSummary[];
}
