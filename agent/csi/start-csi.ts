import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "../../base/os/clock.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import type { EventRecorder } from "../../client/events.ts";
import type { Pod } from "../../client/types.ts";
import { CsiDrivers } from "./csi-drivers.ts";
import { CsiVolumes } from "./csi-volumes.ts";
import { watchPlugins } from "./plugin-watch.ts";
import type { TokenSource } from "./pod-tokens.ts";
import { VolumeExpansion } from "./volume-expansion.ts";
import { CsiPaths } from "./volume-paths.ts";
import { CsiVolumeStats } from "./volume-stats.ts";

export interface CsiDeps {
  readonly rootDir: string;
  readonly nodeName: string;
  readonly client: ApiClient;
  readonly os: Os;
  readonly tasks: TaskScope;
  readonly tokens: TokenSource;
  readonly events: () => Pick<EventRecorder, "record">;
  readonly pods: () => readonly Pod[];
  readonly onDue: (podUid: string) => void;
}

export interface NodeCsi {
  readonly volumes: CsiVolumes;
  readonly expansion: VolumeExpansion;
  readonly stats: CsiVolumeStats;
  /** Call once the node is registered: takes drivers from now on. */
  start(): void;
  close(): void;
}

const unstageMs = 10_000;

/** Finds what earlier agents had CSI drivers do. */
export async function openCsi(deps: CsiDeps): Promise<NodeCsi> {
  const { rootDir, nodeName, client, os, tasks, tokens, events, onDue, pods: known } = deps;
  const paths = new CsiPaths(rootDir);
  const drivers = new CsiDrivers({ client, os, nodeName });
  const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  const { signal } = tasks;
  const pods = (await ifPresent(readdir(join(rootDir, "pods")))) ?? [];
  const volumes = await CsiVolumes.open(
    { client, os, nodeName, paths, drivers, tokens, bootId, onDue, signal },
    pods,
  );
  const expansion = new VolumeExpansion({ client, os, paths, drivers, volumes, events });
  const stats = new CsiVolumeStats({ os, paths, drivers, volumes, pods: known, events });
  const watch = {
    os,
    register: (socket: string, stop: AbortSignal) => drivers.register(socket, stop),
    unregister: (socket: string, stop: AbortSignal) => drivers.unregister(socket, stop),
  };
  return {
    volumes,
    expansion,
    stats,
    start() {
      tasks.run("CSI drivers", (stop) => watchPlugins(paths.registry, watch, stop));
      tasks.run("limits of CSI drivers", (stop) => drivers.keepLimits(stop));
      tasks.run("expansion of CSI volumes", (stop) => expansion.run(stop));
      tasks.run("statistics of CSI volumes", (stop) => stats.run(stop));
      tasks.run("staged CSI volumes", async (stop) => {
        for (;;) {
          await sleep(os.clock, unstageMs, stop);
          await volumes.unstageRest();
        }
      });
    },
    close() {
      volumes.close();
      drivers.close();
    },
  };
}
