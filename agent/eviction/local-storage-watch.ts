import { dirname } from "node:path";
import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Pod } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { isTerminal } from "../sync/pod-phase.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import { isCritical } from "./critical-pods.ts";
import { folderBytes } from "./folder-size.ts";
import { excessStorage, type StorageQuestion, type StorageUsage, storageQuestion } from "./local-storage.ts";

export const localStorageLimits = {
  /** Between two rounds, as the kubelet. */
  pauseMs: 10_000,
} as const;

export interface LocalStorageDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** This node's. */
  readonly pods: () => readonly Pod[];
  readonly runtime: Pick<Runtime, "listContainers" | "writableFolder">;
  readonly volumes: Pick<PodVolumes, "folderOf">;
  readonly measure?: typeof folderBytes;
  /** Ends a pod for good, saying why. */
  readonly evict: (pod: Pod, message: string) => void;
}

/** Round by round, one pod and one folder after the other: what do pods that have limits write to this node's disk? Those
 *  that write more are evicted. */
export async function keepLocalStorageLimits(deps: LocalStorageDeps, signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(deps.clock, localStorageLimits.pauseMs, signal);
    for (const pod of deps.pods()) {
      const question = isTerminal(pod.status?.phase) || isCritical(pod) ? undefined : storageQuestion(pod);
      if (question === undefined) continue;
      const message = excessStorage(pod, await usageOf(pod, question, deps, signal));
      if (message !== undefined) deps.evict(pod, message);
    }
  }
}

async function usageOf(
  pod: Pod,
  question: StorageQuestion,
  deps: LocalStorageDeps,
  signal: AbortSignal,
): Promise<StorageUsage> {
  const { measure = folderBytes, runtime, volumes: made, log } = deps;
  const bytesIn = (folder: string): Promise<number | undefined> =>
    measure(folder, { signal }).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      const { namespace, name } = pod.metadata;
      log.warn("cannot tell whether a pod keeps to its storage limits", {
        pod: `${namespace}/${name}`,
        error,
      });
      return undefined;
    });
  const volumes = new Map<string, number>();
  for (const volume of pod.spec.volumes ?? []) {
    if (!question.volumes.includes(volume.name)) continue;
    const bytes = await bytesIn(made.folderOf(pod, volume));
    if (bytes !== undefined) volumes.set(volume.name, bytes);
  }
  const containers = new Map<string, number>();
  if (!question.containers) return { volumes, containers };
  for (const one of runtime.listContainers()) {
    if (one.pod.uid !== pod.metadata.uid || one.state.phase !== "running") continue;
    const layer = runtime.writableFolder(one.id);
    // The folder of its logs holds those of its earlier runs, too.
    const log = (await bytesIn(dirname(one.logPath))) ?? 0;
    containers.set(one.name, log + ((layer && (await bytesIn(layer))) || 0));
  }
  return { volumes, containers };
}
