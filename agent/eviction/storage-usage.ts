import { dirname } from "node:path";
import type { Pod } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import type { StorageUsage } from "./local-storage.ts";

/** Which parts of what a pod holds of the disk. */
export interface StorageParts {
  /** Names of volumes. */
  readonly volumes: readonly string[];
  /** Of running containers. */
  readonly logs: boolean;
  readonly layers: boolean;
}

export interface StorageDoors {
  readonly runtime: Pick<Runtime, "listContainers">;
  readonly volumes: Pick<PodVolumes, "folderOf">;
  /** What a folder takes, and what a container wrote to its own root; undefined where nobody knows. */
  readonly folder: (path: string) => Promise<number | undefined>;
  readonly layer: (containerId: string) => Promise<number | undefined>;
}

/** Measures parts of what a pod holds of the disk, one after the other. */
export async function storageUsage(
  pod: Pod,
  parts: StorageParts,
  { runtime, volumes: made, folder, layer }: StorageDoors,
): Promise<StorageUsage> {
  const volumes = new Map<string, number>();
  for (const volume of pod.spec.volumes ?? []) {
    if (!parts.volumes.includes(volume.name)) continue;
    const amount = await folder(made.folderOf(pod, volume));
    if (amount !== undefined) volumes.set(volume.name, amount);
  }
  const containers = new Map<string, number>();
  if (!parts.logs && !parts.layers) return { volumes, containers };
  for (const one of runtime.listContainers()) {
    if (one.pod.uid !== pod.metadata.uid || one.state.phase !== "running") continue;
    // The folder of its logs holds those of its earlier runs, too.
    const log = parts.logs ? await folder(dirname(one.logPath)) : undefined;
    const written = parts.layers ? await layer(one.id) : undefined;
    if (log !== undefined || written !== undefined) containers.set(one.name, (log ?? 0) + (written ?? 0));
  }
  return { volumes, containers };
}
