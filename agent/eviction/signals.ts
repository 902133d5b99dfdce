/** What a node can run short of, by Kubernetes' names. */
export const signals = [
  "memory.available",
  "allocatableMemory.available",
  "nodefs.available",
  "nodefs.inodesFree",
  "imagefs.available",
  "imagefs.inodesFree",
  "pid.available",
] as const;
export type Signal = (typeof signals)[number];

/** In the order in which they are told. */
export const pressureConditions = ["MemoryPressure", "DiskPressure", "PIDPressure"] as const;
export type PressureCondition = (typeof pressureConditions)[number];

/** What pods give back when they end. */
export type StarvedResource = "memory" | "ephemeral-storage" | "inodes" | "pids";

export interface SignalFacts {
  readonly condition: PressureCondition;
  readonly resource: StarvedResource;
}

export const signalFacts: Readonly<Record<Signal, SignalFacts>> = {
  "memory.available": { condition: "MemoryPressure", resource: "memory" },
  "allocatableMemory.available": { condition: "MemoryPressure", resource: "memory" },
  "nodefs.available": { condition: "DiskPressure", resource: "ephemeral-storage" },
  "nodefs.inodesFree": { condition: "DiskPressure", resource: "inodes" },
  "imagefs.available": { condition: "DiskPressure", resource: "ephemeral-storage" },
  "imagefs.inodesFree": { condition: "DiskPressure", resource: "inodes" },
  "pid.available": { condition: "PIDPressure", resource: "pids" },
};

/** What is left of what there is, in bytes or pieces. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

/** What could not be read is missing, and counts as enough. */
export type Observations = ReadonlyMap<Signal, Observation>;
