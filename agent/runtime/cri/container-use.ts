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
  const { workingSetBytes: set, usageBytes, rssBytes, pageFaults, majorPageFaults } = stats?.memory ?? {};
  const workingSetBytes = set?.value ?? 0;
  return {
    cpuNanos: stats?.cpu?.usageCoreNanoSeconds?.value ?? 0,
    memoryBytes: usageBytes?.value ?? workingSetBytes,
    workingSetBytes,
    ...(rssBytes && { rssBytes: rssBytes.value }),
    ...(pageFaults && { pageFaults: pageFaults.value }),
    ...(majorPageFaults && { majorPageFaults: majorPageFaults.value }),
    ...(processes !== undefined && { processes }),
  };
}
