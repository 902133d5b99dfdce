import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Pod } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import type { Observed } from "./observed.ts";
import { logFolder, type PodContext } from "./pod-context.ts";
import { type Stop, stopPod } from "./stop-pod.ts";

const deadContainersKept = 1;

/** What the runtime has of a pod. */
export function observePod(uid: string, runtime: Runtime): Observed {
  return {
    sandboxes: runtime.listPodSandboxes().filter(({ pod }) => pod.uid === uid),
    containers: runtime.listContainers().filter(({ pod }) => pod.uid === uid),
  };
}

/** Stops whatever still runs of a pod and frees all it had: containers, sandboxes, volumes, logs. Idempotent. */
export async function removePod(pod: Pod, stop: Stop, context: PodContext): Promise<void> {
  const { runtime, volumes, prober, logsDir } = context;
  const { uid } = pod.metadata;
  const observed = observePod(uid, runtime);
  await stopPod(pod, observed, stop, context);
  for (const { id } of observed.sandboxes) await runtime.removePodSandbox(id);
  for (const { id } of observePod(uid, runtime).containers) await runtime.removeContainer(id);
  prober.keepOnly(uid, new Set());
  await volumes.remove(uid);
  await rm(dirname(logFolder(logsDir, pod, "any")), { recursive: true, force: true });
}

/** Keeps the container before the newest, for `logs --previous`. */
export async function dropOldContainers(
  pod: Pod,
  name: string,
  attempt: number,
  { runtime }: Pick<PodContext, "runtime">,
): Promise<void> {
  for (const one of observePod(pod.metadata.uid, runtime).containers) {
    if (one.name !== name || one.attempt >= attempt - deadContainersKept || one.state.phase === "running")
      continue;
    await runtime.removeContainer(one.id);
    for (const suffix of ["", ".1", ".2", ".3", ".4"]) await rm(`${one.logPath}${suffix}`, { force: true });
  }
}
