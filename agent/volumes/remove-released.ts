import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { type ControllerOptions, runController } from "../../client/controller-loop.ts";
import type { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import { localPath } from "../../client/rules/local-path.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import type { ClaimedVolumes } from "./claimed-volumes.ts";
import { ReleasedVolumes } from "./released-volumes.ts";

export interface RemoveReleasedDeps {
  readonly os: Os;
  readonly client: ApiClient;
  readonly tasks: TaskScope;
  readonly informers: InformerFactory;
}

/** From now on, of the volumes that are this node's own folders. */
export function removeReleasedVolumes(
  nodeName: string,
  claimed: Pick<ClaimedVolumes, "removeFolder">,
  { os, client, tasks, informers }: RemoveReleasedDeps,
): void {
  const queue = new WorkQueue(os);
  const released = new ReleasedVolumes({
    client,
    log: os.log,
    volumes: informers.informer(resources.persistentvolumes, {
      fieldSelector: `${localPath.nodeField}=${nodeName}`,
    }),
    queue,
    isOurs: (node) => node === nodeName,
    removeFolder: (volume) => claimed.removeFolder(volume),
  });
  released.follow();
  const sync: ControllerOptions["sync"] = (name, signal) => released.sync(name, signal);
  const loop = { name: "released-volumes", workers: 1, queue, sync, log: os.log, clock: os.clock };
  tasks.run("released volumes", (signal) => runController(loop, signal));
}
