import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describeError } from "../../base/os/log.ts";
import { deleteAtOnce } from "../../client/delete-at-once.ts";
import type { Pod } from "../../client/types.ts";
import { podLogFolders } from "../logs/folders.ts";
import { keepPodLogs, keepRunLogs } from "../logs/keep-logs.ts";
import { dropDeadLinks } from "../logs/log-links.ts";
import type { Runtime } from "../runtime/seam.ts";
import type { Observed } from "./observed.ts";
import { logFolder, type PodContext } from "./pod-context.ts";
import { evicted } from "./pod-phase.ts";
import { type Stop, stopPod } from "./stop-pod.ts";

const deadContainersKept = 1;

/** What the runtime has of a pod. */
export function observePod(uid: string, runtime: Runtime): Observed {
  return {
    sandboxes: runtime.listPodSandboxes().filter(({ pod }) => pod.uid === uid),
    containers: runtime.listContainers().filter(({ pod }) => pod.uid === uid),
  };
}

/** Stops whatever still runs of a pod and frees all it had: containers, sandboxes, volumes. Its logs go to those that are
 *  kept. Idempotent. */
export async function removePod(pod: Pod, stop: Stop, context: PodContext): Promise<void> {
  const { runtime, volumes, prober, logsDir } = context;
  const { uid } = pod.metadata;
  const observed = observePod(uid, runtime);
  await stopPod(pod, observed, stop, context);
  await removeContainers(uid, runtime);
  releaseImages(uid, context);
  prober.keepOnly(uid, new Set());
  await volumes.remove(uid).catch(tellUnmount(pod, context));
  await keepPodLogs(podLogFolders(logsDir), podLogs(logsDir, pod));
  await dropDeadLinks(logsDir);
}

/** Frees what a pod that ended for good holds of this node: its volumes; of one that was evicted, or where the node needs the
 *  room (`entirely`), its containers with what they wrote and logged, too. How they ended must be in the pod's status by
 *  now. Idempotent. */
export async function freeEndedPod(
  pod: Pod,
  context: PodContext,
  { entirely = false }: { readonly entirely?: boolean } = {},
): Promise<void> {
  const { runtime, volumes, logsDir } = context;
  const { uid } = pod.metadata;
  await volumes.clear(uid).catch(tellUnmount(pod, context));
  if (pod.status?.reason !== evicted && !entirely) return;
  await removeContainers(uid, runtime);
  releaseImages(uid, context);
  // The room is needed: these logs are not kept.
  await rm(join(logsDir, podLogs(logsDir, pod)), { recursive: true, force: true });
  await dropDeadLinks(logsDir);
}

/** The pod stays until its volumes are given back, and says why. */
const tellUnmount =
  (pod: Pod, { events }: PodContext) =>
  (error: unknown): never => {
    const message = `UnmountVolume.TearDown failed: ${describeError(error)}`;
    events.record(pod, { type: "Warning", reason: "FailedUnmount", message });
    throw error;
  };

function releaseImages(uid: string, { images, volumeImages }: PodContext): void {
  for (const one of [images, volumeImages]) one.release(uid);
}

async function removeContainers(uid: string, runtime: Runtime): Promise<void> {
  for (const { id } of observePod(uid, runtime).sandboxes) await runtime.removePodSandbox(id);
  for (const { id } of observePod(uid, runtime).containers) await runtime.removeContainer(id);
}

const podLogs = (logsDir: string, pod: Pod): string => basename(dirname(logFolder(logsDir, pod, "any")));

/** Lets the API forget a pod of which nothing is left here. */
export async function deleteFromApi(
  pod: Pod,
  { client, inApi }: Pick<PodContext, "client" | "inApi">,
): Promise<void> {
  const known = inApi(pod);
  if (known !== undefined) await deleteAtOnce(known, client);
}

/** Keeps the container before the newest, for `logs --previous`. */
export async function dropOldContainers(
  pod: Pod,
  name: string,
  attempt: number,
  { runtime, logsDir }: Pick<PodContext, "runtime" | "logsDir">,
): Promise<void> {
  for (const one of observePod(pod.metadata.uid, runtime).containers) {
    if (one.name !== name || one.attempt >= attempt - deadContainersKept || one.state.phase === "running")
      continue;
    await runtime.removeContainer(one.id);
    await keepRunLogs(podLogFolders(logsDir), podLogs(logsDir, pod), {
      container: name,
      attempt: one.attempt,
    });
    await dropDeadLinks(logsDir);
  }
}
