import type { Job } from "./generator/drive.ts";
import type { LeaseLives } from "./generator/lease-lives.ts";
import type { WatcherCount } from "./generator/watched.ts";

/** The figures of a round that are compared. `growthMb`: of memory, from when the round began to its peak. */
export type Figure = "perSecond" | "seconds" | "p50Ms" | "p99Ms" | "cpuMsPerThousand" | "peakMb" | "growthMb";

/** What Pintle's figure divided by the other's is to be, at least or at most. */
export type Goal = { readonly figure: Figure } & ({ readonly atLeast: number } | { readonly atMost: number });

/** One kind of load: a row of the report. */
export type Load = JobLoad | LeaseLoad | RestartLoad;

interface Row {
  readonly name: string;
  readonly what: string;
  readonly goals: readonly Goal[];
  /** Where each cluster is one member. */
  readonly goalsAlone?: readonly Goal[];
  /** Requests that are answered before the clock starts. Loads leave what others prepared as it is. */
  readonly prepared?: { readonly job: Job; readonly requests: number };
  /** What its large numbers were multiplied by; absent: it has none. */
  readonly scale?: number;
}

/** Clients that ask one thing over and over. */
export interface JobLoad extends Row, Job {
  /** The load is so many requests, once, instead of rounds of some seconds. */
  readonly requests?: number;
  /** Whom the clients ask; absent: all members, in turn. Who asks but one member asks one of which it is known whether it leads,
   *  since what a follower is asked goes a longer way. */
  readonly asks?: Role;
  /** The load by which both sides are warmed up for this one; absent: by itself. */
  readonly warmedUpBy?: string;
  /** The job's puts are watched, and the events are what is measured. */
  readonly watched?: WatcherCount;
  /** All revisions but the last are compacted while the load runs; one round. */
  readonly compacts?: boolean;
}

/** Leases from their grant to their end. */
export interface LeaseLoad extends Row {
  readonly leases: LeaseLives;
  /** How many leases. */
  readonly requests: number;
}

/** Members are killed and started again. */
export interface RestartLoad extends Row {
  readonly restarts: Restarted;
}

export type Role = "leader" | "follower";

/** One member, which does not lead unless it is alone, or all at once. */
export type Restarted = "one" | "all";
