import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";

const batchHelp = "changes of pods wait so long for others of the same Service";

/** kube-controller-manager's names and defaults. */
export const endpointFlags = {
  "max-endpoints-per-slice": {
    kind: "integer",
    default: 100,
    value: "COUNT",
    help: "endpoints in one EndpointSlice at most; up to 1000",
  },
  "mirroring-max-endpoints-per-subset": {
    kind: "integer",
    default: 1_000,
    value: "COUNT",
    help: "endpoints of one subset of Endpoints that are mirrored to slices; up to 1000",
  },
  "endpoint-updates-batch-period": { kind: "duration", default: 0, help: `of Endpoints: ${batchHelp}` },
  "endpointslice-updates-batch-period": {
    kind: "duration",
    default: 0,
    help: `of EndpointSlices: ${batchHelp}`,
  },
  "mirroring-endpointslice-updates-batch-period": {
    kind: "duration",
    default: 0,
    help: "changes of Endpoints that are mirrored wait so long for others of the same",
  },
} as const satisfies FlagTable;

export interface EndpointConfig {
  readonly endpointsPerSliceMost: number;
  readonly mirroredPerSubsetMost: number;
  /** How long a change of a pod, or of Endpoints that are mirrored, waits for others. */
  readonly endpointsBatchMs: number;
  readonly slicesBatchMs: number;
  readonly mirroringBatchMs: number;
}

/** Adds what is wrong to `problems`. */
export function endpointConfig(flags: FlagValues<typeof endpointFlags>, problems: string[]): EndpointConfig {
  for (const name of ["max-endpoints-per-slice", "mirroring-max-endpoints-per-subset"] as const)
    if (flags[name] < 1 || flags[name] > 1_000)
      problems.push(`--${name}: ${flags[name]} is not between 1 and 1000`);
  for (const name of batchPeriods) if (flags[name] < 0) problems.push(`--${name}: must not be negative`);
  return {
    endpointsPerSliceMost: flags["max-endpoints-per-slice"],
    mirroredPerSubsetMost: flags["mirroring-max-endpoints-per-subset"],
    endpointsBatchMs: flags["endpoint-updates-batch-period"],
    slicesBatchMs: flags["endpointslice-updates-batch-period"],
    mirroringBatchMs: flags["mirroring-endpointslice-updates-batch-period"],
  };
}

const batchPeriods = [
  "endpoint-updates-batch-period",
  "endpointslice-updates-batch-period",
  "mirroring-endpointslice-updates-batch-period",
] as const;
