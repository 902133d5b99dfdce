import type { Log } from "../../base/os/log.ts";
import type { ApiClient } from "../../client/api.ts";
import { isConflict, isNotFound } from "../../client/api-error.ts";
import type { SyncResult } from "../../client/controller-loop.ts";
import type { Informer } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import { isToBeRemoved, localPathNode } from "../../client/rules/local-path.ts";
import type { PersistentVolume } from "../../client/types.ts";
import type { WorkQueue } from "../../client/work-queue.ts";

const stillUsedMs = 15_000;

/** What became of a volume's folder. `removed`: there is none (any more). `used`: a pod has it yet. `elsewhere`: it is not
 *  among those that the node keeps, and nobody's to remove. */
export type FolderRemoval = "removed" | "used" | "elsewhere";

export interface ReleasedVolumesDeps {
  readonly client: Pick<ApiClient, "get" | "delete">;
  readonly log: Log;
  /** At least those of our nodes. */
  readonly volumes: Informer<PersistentVolume>;
  /** Its keys are volumes'. */
  readonly queue: WorkQueue;
  readonly isOurs: (node: string) => boolean;
  readonly removeFolder: (volume: PersistentVolume) => Promise<FolderRemoval>;
}

/** Volumes that are folders of our nodes: once nobody needs one any more, its folder goes, if it ever had one, and then the
 *  volume. A folder whose volume went another way stays: somebody kept it. */
export class ReleasedVolumes {
  readonly #deps: ReleasedVolumesDeps;

  constructor(deps: ReleasedVolumesDeps) {
    this.#deps = deps;
  }

  /** Has every volume that is to go worked on, from now on. */
  follow(): void {
    const { volumes, queue } = this.#deps;
    const look = (volume: PersistentVolume) => {
      if (this.#isToGo(volume)) queue.add(keyOf(volume));
    };
    volumes.subscribe({ onAdd: look, onUpdate: look });
  }

  async sync(name: string, signal: AbortSignal): Promise<SyncResult> {
    const { client, log, removeFolder } = this.#deps;
    const volume = await this.#newest(name, signal);
    if (volume === undefined || !this.#isToGo(volume)) return undefined;
    const folder = await removeFolder(volume);
    if (folder === "used") return { requeueAfterMs: stillUsedMs };
    if (folder === "elsewhere") {
      log.warn("a released volume is no folder of this node's own", { volume: name });
      return undefined;
    }
    const { uid } = volume.metadata;
    await client
      .delete(resources.persistentvolumes, { name }, { preconditions: { uid }, signal })
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
    log.info("removed a local volume", { volume: name });
    return undefined;
  }

  /** What the cache shows may have been taken back since: data would be lost. Undefined where the volume is gone. */
  async #newest(name: string, signal: AbortSignal): Promise<PersistentVolume | undefined> {
    const { client, volumes } = this.#deps;
    if (volumes.getByKey(name) === undefined) return undefined;
    return client.get(resources.persistentvolumes, { name }, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  }

  #isToGo(volume: PersistentVolume): boolean {
    const node = localPathNode(volume);
    return node !== undefined && this.#deps.isOurs(node) && isToBeRemoved(volume);
  }
}
