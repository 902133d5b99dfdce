/** What is measured of a container, a pod or the whole machine. What nobody counts here is absent. */
export interface Figures {
  readonly cpu?: {
    readonly usageSeconds: number;
    readonly userSeconds?: number | undefined;
    readonly systemSeconds?: number | undefined;
  };
  /** Where CPU time is held to a limit. */
  readonly cfs?: {
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledSeconds: number;
  };
  readonly memory?: {
    readonly usageBytes: number;
    readonly workingSetBytes: number;
    readonly rssBytes?: number | undefined;
    readonly cacheBytes?: number | undefined;
    readonly swapBytes?: number | undefined;
    readonly kernelBytes?: number | undefined;
    readonly mappedFileBytes?: number | undefined;
    readonly activeFileBytes?: number | undefined;
    readonly inactiveFileBytes?: number | undefined;
    readonly maxUsageBytes?: number | undefined;
    /** How often the limit was hit. */
    readonly failures?: number | undefined;
    readonly pageFaults?: number | undefined;
    readonly majorPageFaults?: number | undefined;
  };
  readonly oomKills?: number | undefined;
  readonly processes?: number | undefined;
  readonly threads?: number | undefined;
  /** 0: no limit. */
  readonly threadsMax?: number | undefined;
  readonly io?: readonly DeviceIo[];
  readonly disks?: readonly DiskFigures[];
  readonly pressure?: Pressure;
  readonly limits?: Limits;
}

export interface DeviceIo {
  /** `8:0` */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
}

export interface DiskFigures {
  readonly device: string;
  readonly limitBytes: number;
  readonly usageBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** Seconds in which some, and in which all processes waited. */
export interface Stall {
  readonly waitingSeconds: number;
  readonly stalledSeconds: number;
}

export interface Pressure {
  readonly cpu?: Stall | undefined;
  readonly memory?: Stall | undefined;
  readonly io?: Stall | undefined;
}

/** As they were asked for; 0 for what has no limit. */
export interface Limits {
  readonly cpuShares?: number | undefined;
  readonly cpuPeriodUs?: number | undefined;
  /** Absent: no limit. */
  readonly cpuQuotaUs?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly memoryReservationBytes?: number | undefined;
  readonly memorySwapBytes?: number | undefined;
}

export interface InterfaceFigures {
  readonly name: string;
  readonly received: Traffic;
  readonly sent: Traffic;
}

export interface Traffic {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}
