import type { ApiClient } from "../../client/api.ts";
import { isConflict, isNotFound } from "../../client/api-error.ts";
import type { Informer } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import { isToBeRemoved, localPathNode } from "../../client/rules/local-path.ts";
import type { PersistentVolume } from "../../client/types.ts";
import type { WorkQueue } from "../../client/work-queue.ts";

export interface SimulatedVolumesDeps {
  readonly client: Pick<ApiClient, "delete">;
  readonly volumes: Informer<PersistentVolume>;
  readonly queue: WorkQueue;
  /** Whether a node of this name is one of ours. */
  readonly isOurs: (node: string) => boolean;
}

/** Volumes that are folders of simulated nodes: there are no folders, but what is released goes as it does on real ones. Its
 *  queue's keys are volumes'. */
export class SimulatedVolumes {
  readonly #deps: SimulatedVolumesDeps;

  constructor(deps: SimulatedVolumesDeps) {
    this.#deps = deps;
  }

  /** Has every volume that is to go worked on, from now on. The returned function ends that. */
  follow(): () => void {
    const { volumes, queue } = this.#deps;
    const look = (volume: PersistentVolume) => {
      if (this.#isToGo(volume)) queue.add(keyOf(volume));
    };
    return volumes.subscribe({ onAdd: look, onUpdate: look });
  }

  async sync(key: string, signal: AbortSignal): Promise<undefined> {
    const { client, volumes } = this.#deps;
    const volume = volumes.getByKey(key);
    if (volume === undefined || !this.#isToGo(volume)) return;
    const { name, uid } = volume.metadata;
    await client
      .delete(resources.persistentvolumes, { name }, { preconditions: { uid }, signal })
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
  }

  #isToGo(volume: PersistentVolume): boolean {
    const node = localPathNode(volume);
    return node !== undefined && this.#deps.isOurs(node) && isToBeRemoved(volume);
  }
}
