import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import type { EventRecorder } from "../../client/events.ts";
import type { Pod } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { isTerminal } from "../sync/pod-phase.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import { isCritical } from "./critical-pods.ts";
import { folderBytes } from "./folder-size.ts";
import { excessStorage, storageQuestion } from "./local-storage.ts";
import { storageUsage } from "./storage-usage.ts";

export const localStorageLimits = {
  /** Between two rounds, as the kubelet. */
  pauseMs: 10_000,
} as const;

export interface LocalStorageDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** This node's. */
  readonly pods: () => readonly Pod[];
  readonly runtime: Pick<Runtime, "listContainers" | "writtenBytes">;
  readonly volumes: Pick<PodVolumes, "folderOf">;
  readonly measure?: typeof folderBytes;
  readonly events: Pick<EventRecorder, "record">;
  readonly meter: Meter;
  /** Ends a pod for good, saying why. */
  readonly evict: (pod: Pod, message: string) => void;
}

/** Round by round, one pod and one folder after the other: what do pods that have limits write to this node's disk? Those
 *  that write more are evicted. As for the kubelet, what could not be measured takes what it took when it last could. */
export async function keepLocalStorageLimits(deps: LocalStorageDeps, signal: AbortSignal): Promise<void> {
  const unmeasured = deps.meter.counter(
    "pintle_local_storage_unmeasured_total",
    "Folders of pods with local storage limits that could not be measured.",
  );
  const known = new Map<string, Known>();
  for (;;) {
    await sleep(deps.clock, localStorageLimits.pauseMs, signal);
    const pods = deps.pods();
    const uids = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
    for (const pod of pods) {
      const question = isTerminal(pod.status?.phase) || isCritical(pod) ? undefined : storageQuestion(pod);
      if (question === undefined) continue;
      const before = known.get(pod.metadata.uid);
      const now: Known = { bytes: new Map(), isWhole: true };
      const measure = async (what: string, how: Measure): Promise<number | undefined> => {
        try {
          return await how(signal);
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          unmeasured.inc();
          tellUnmeasured(pod, error, { ...deps, isNews: now.isWhole && before?.isWhole !== false });
          now.isWhole = false;
          return before?.bytes.get(what);
        }
      };
      const bytesOf = async (what: string, how: Measure): Promise<number | undefined> => {
        const bytes = await measure(what, how);
        if (bytes !== undefined) now.bytes.set(what, bytes);
        return bytes;
      };
      const { volumes, containers } = question;
      const { measure: folder = folderBytes, runtime } = deps;
      const usage = await storageUsage(
        pod,
        { volumes, logs: containers, layers: containers },
        {
          runtime,
          volumes: deps.volumes,
          folder: (path) => bytesOf(path, (stop) => folder(path, { signal: stop })),
          layer: (id) => bytesOf(id, (stop) => runtime.writtenBytes(id, stop)),
        },
      );
      known.set(pod.metadata.uid, now);
      const message = excessStorage(pod, usage);
      if (message !== undefined) deps.evict(pod, message);
    }
  }
}

type Measure = (signal: AbortSignal) => Promise<number | undefined>;

/** What a pod's folders, and its containers' layers by their ids, took when each was last measured. */
interface Known {
  readonly bytes: Map<string, number>;
  /** Each was measured in that round. */
  isWhole: boolean;
}

/** Every time in the log, and in an event when it begins. */
function tellUnmeasured(
  pod: Pod,
  error: unknown,
  { log, events, isNews }: Pick<LocalStorageDeps, "log" | "events"> & { readonly isNews: boolean },
): void {
  const { namespace, name } = pod.metadata;
  log.warn("cannot tell whether a pod keeps to its storage limits", { pod: `${namespace}/${name}`, error });
  if (!isNews) return;
  events.record(pod, {
    type: "Warning",
    reason: "StorageNotMeasured",
    message:
      "The node cannot measure all that the pod wrote to its disk; until it can, local storage limits are held against what was last measured.",
  });
}
