import type { ContainerStats } from "../seam.ts";
import { criLimits, type RuntimeClient } from "./cri-client.ts";

/** What the runtime measured of a container, as far as it has looked. */
export async function statsOf(client: RuntimeClient, containerId: string, signal?: AbortSignal) {
  const options = { timeoutMs: criLimits.lookMs, ...(signal !== undefined && { signal }) };
  const { stats } = await client.ask("ContainerStats", { containerId }, options);
  return stats;
}

/** `processes`: how many its control group has, where that is known; the runtime does not tell. */
export function containerUse(
  stats: Awaited<ReturnType<typeof statsOf>>,
  processes: number | undefined,
): ContainerStats {
  const workingSetBytes = stats?.memory?.workingSetBytes?.value ?? 0;
  return {
    cpuNanos: stats?.cpu?.usageCoreNanoSeconds?.value ?? 0,
    memoryBytes: stats?.memory?.usageBytes?.value ?? workingSetBytes,
    workingSetBytes,
    ...(processes !== undefined && { processes }),
  };
}
