import { readdir, rm } from "node:fs/promises";
import { type Clock, sleep } from "../../base/os/clock.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Log } from "../../base/os/log.ts";
import type { ApiClient } from "../../client/api.ts";
import { ApiError, isConflict, isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { isToBeRemoved, localPathNode } from "../../client/rules/local-path.ts";
import type { PersistentVolume } from "../../client/types.ts";
import type { ClaimedVolumes } from "./claimed-volumes.ts";

const sweepMs = 15_000;

export interface SweepDeps {
  readonly client: Pick<ApiClient, "get" | "delete">;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  /** Where this node keeps the volumes that are its own folders. */
  readonly folder: string;
  readonly claimed: Pick<ClaimedVolumes, "ownPath" | "isUsed">;
}

/** Removes folders of volumes that nobody needs any more, and then the volumes, again and again. A folder whose volume is gone
 *  otherwise stays: somebody kept it. */
export async function keepLocalVolumesSwept(deps: SweepDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sweepLocalVolumes(deps, signal).catch((error: unknown) => {
      if (!signal.aborted) deps.log.warn("cannot remove local volumes", { error });
    });
    await sleep(deps.clock, sweepMs, signal).catch(() => undefined); // the signal ends the loop above
  }
}

export async function sweepLocalVolumes(deps: SweepDeps, signal: AbortSignal): Promise<void> {
  for (const name of (await ifPresent(readdir(deps.folder))) ?? []) {
    const path = deps.claimed.ownPath(name);
    if (deps.claimed.isUsed(path)) continue;
    const volume = await ownVolume(deps, name, signal);
    if (volume === undefined || volume.spec.local?.path !== path || !isToBeRemoved(volume)) continue;
    await rm(path, { recursive: true, force: true });
    deps.log.info("removed a local volume", { volume: name });
    const { uid } = volume.metadata;
    await deps.client
      .delete(resources.persistentvolumes, { name }, { preconditions: { uid }, signal })
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
  }
}

/** Undefined where the volume is not there, or not this node's to see. */
async function ownVolume(
  { client, nodeName }: SweepDeps,
  name: string,
  signal: AbortSignal,
): Promise<PersistentVolume | undefined> {
  const volume = await client
    .get(resources.persistentvolumes, { name }, { signal })
    .catch((error: unknown) => {
      if (isNotFound(error) || (error instanceof ApiError && error.code === 403)) return undefined;
      throw error;
    });
  return volume !== undefined && localPathNode(volume) === nodeName ? volume : undefined;
}
