import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Random } from "../../base/os/random.ts";
import type { ApiClient } from "../../client/api.ts";
import { isAlreadyExists } from "../../client/api-error.ts";
import { runController, type SyncResult } from "../../client/controller-loop.ts";
import { deleteAtOnce } from "../../client/delete-at-once.ts";
import { keyOf } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import type { NodePods } from "./node-pods.ts";
import { mirrorOf } from "./static-pod.ts";

export interface MirrorDeps {
  readonly client: Pick<ApiClient, "get" | "create" | "delete">;
  readonly pods: Pick<NodePods, "onMirrorDue" | "mirrorTask">;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How soon a name is asked for again that a pod of the API has. */
const takenRetryMs = 10_000;

/** Shows this node's static pods in the API, each by a mirror, and no others: what is none of its pods' is deleted there. */
export async function keepMirrors(deps: MirrorDeps, signal: AbortSignal): Promise<void> {
  const queue = new WorkQueue(deps);
  deps.pods.onMirrorDue((key) => queue.add(key));
  const { log, clock } = deps;
  const sync = (key: string) => syncMirror(key, deps);
  await runController({ name: "mirror-pods", workers: 1, queue, sync, log, clock }, signal);
}

async function syncMirror(key: string, deps: MirrorDeps): Promise<SyncResult> {
  const { client, pods, nodeName, log } = deps;
  const task = pods.mirrorTask(key);
  if (task === undefined) return undefined;
  // It comes again once this one's end is heard of.
  if ("delete" in task) return deleteAtOnce(task.delete, client);
  const pod = task.create;
  const node = await client.get(resources.nodes, { name: nodeName });
  try {
    await client.create(resources.pods, mirrorOf(pod, node));
    return undefined;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    log.warn("a pod has the name that a static pod is to be shown by", { pod: keyOf(pod) });
    return { requeueAfterMs: takenRetryMs };
  }
}
