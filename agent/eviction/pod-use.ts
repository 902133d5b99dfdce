import type { Log } from "../../base/os/log.ts";
import type { Pod } from "../../client/types.ts";
import { type Runtime, RuntimeError } from "../runtime/seam.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import { type DiskLayout, partsOf } from "./disk-layout.ts";
import { folderBytes, folderInodes } from "./folder-size.ts";
import { isOnDisk } from "./local-storage.ts";
import { type Signal, signalFacts } from "./signals.ts";
import { storageUsage } from "./storage-usage.ts";

export const podUseLimits = {
  /** Pods measured at a time. */
  podsMost: 2,
  /** A folder that takes longer makes its pod one of which nothing is known: pressure does not wait. */
  folderMs: 20_000,
} as const;

/** What a pod takes of what the node lacks, in bytes or pieces. */
export interface PodUse {
  /** Undefined where it could not be measured. */
  readonly total: number | undefined;
  /** Of each running container, as far as that is known. */
  readonly containers: ReadonlyMap<string, number>;
}

export interface PodUseDoors {
  readonly runtime: Pick<Runtime, "listContainers" | "containerStats" | "writtenBytes" | "writtenInodes">;
  readonly volumes: Pick<PodVolumes, "folderOf">;
  readonly log: Log;
  readonly folders?: { readonly bytes: typeof folderBytes; readonly inodes: typeof folderInodes };
}

/** What each pod takes of what the signal tells, by uid. */
export async function podUse(
  pods: readonly Pod[],
  signal: Signal,
  { layout, stop, ...doors }: PodUseDoors & { readonly layout: DiskLayout; readonly stop: AbortSignal },
): Promise<ReadonlyMap<string, PodUse>> {
  const { resource } = signalFacts[signal];
  const measure = (pod: Pod): Promise<PodUse> => {
    if (resource === "memory" || resource === "pids") return fromStats(pod, resource, doors.runtime);
    return fromDisk(pod, resource, partsOf(signal, layout), { ...doors, stop });
  };
  const found = new Map<string, PodUse>();
  const waiting = [...pods];
  const inTurn = async () => {
    for (let pod = waiting.shift(); pod !== undefined; pod = waiting.shift()) {
      const { uid, namespace, name } = pod.metadata;
      try {
        found.set(uid, await measure(pod));
      } catch (error) {
        stop.throwIfAborted();
        doors.log.warn("cannot tell what a pod takes", { pod: `${namespace}/${name}`, resource, error });
        found.set(uid, { total: undefined, containers: new Map() });
      }
    }
  };
  await Promise.all(Array.from({ length: podUseLimits.podsMost }, inTurn));
  return found;
}

async function fromStats(
  pod: Pod,
  resource: "memory" | "pids",
  runtime: PodUseDoors["runtime"],
): Promise<PodUse> {
  const containers = new Map<string, number>();
  let isWhole = true;
  for (const one of runtime.listContainers()) {
    if (one.pod.uid !== pod.metadata.uid || one.state.phase !== "running") continue;
    const stats = await runtime.containerStats(one.id).catch((error: unknown) => {
      if (error instanceof RuntimeError) return undefined; // it ended meanwhile
      throw error;
    });
    if (stats === undefined) continue;
    const amount = resource === "memory" ? stats.workingSetBytes : stats.processes;
    if (amount === undefined) isWhole = false;
    else containers.set(one.name, amount);
  }
  return { total: isWhole ? sumOf(containers) : undefined, containers };
}

async function fromDisk(
  pod: Pod,
  resource: "ephemeral-storage" | "inodes",
  parts: ReturnType<typeof partsOf>,
  { runtime, volumes, folders, stop }: PodUseDoors & { readonly stop: AbortSignal },
): Promise<PodUse> {
  const isBytes = resource === "ephemeral-storage";
  const { bytes, inodes } = folders ?? { bytes: folderBytes, inodes: folderInodes };
  const folder = isBytes ? bytes : inodes;
  const named = (pod.spec.volumes ?? []).filter(isOnDisk).map(({ name }) => name);
  const usage = await storageUsage(
    pod,
    { volumes: parts.volumes ? named : [], logs: parts.logs, layers: parts.layers },
    {
      runtime,
      volumes,
      folder: (path) => folder(path, { signal: stop, timeoutMs: podUseLimits.folderMs }),
      layer: (id) => (isBytes ? runtime.writtenBytes(id, stop) : runtime.writtenInodes(id, stop)),
    },
  );
  return { total: sumOf(usage.volumes) + sumOf(usage.containers), containers: usage.containers };
}

const sumOf = (amounts: ReadonlyMap<string, number>): number =>
  [...amounts.values()].reduce((sum, one) => sum + one, 0);
