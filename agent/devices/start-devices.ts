import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { Pod } from "../../client/types.ts";
import type { CpuManager } from "../cpus/cpu-manager.ts";
import { readCpuTopology } from "../cpus/cpu-topology.ts";
import { numaPlaces, type TopologyPolicy } from "../cpus/topology-hints.ts";
import type { MemoryManager } from "../memory/memory-manager.ts";
import { handlersOf, serveSocket } from "../socket-server.ts";
import { DeviceManager } from "./device-manager.ts";
import { podResourcesCalls, registrationCalls } from "./messages.ts";
import { podResources } from "./pod-resources.ts";
import { registerPlugin } from "./register-plugin.ts";

export interface DevicesConfig {
  readonly rootDir: string;
  readonly cpus: { readonly topologyPolicy: TopologyPolicy };
}

export interface DevicesDeps {
  readonly os: Os;
  readonly tasks: TaskScope;
  readonly pods: () => readonly Pod[];
  readonly cpus: () => CpuManager | undefined;
  readonly memory?: () => MemoryManager | undefined;
  readonly onHealth: (podUid: string) => void;
}

export interface NodeDevices {
  readonly manager: DeviceManager;
  /** Call once the node is registered: plugins are taken, and told of pods, from now on. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Finds which devices earlier agents gave to containers. */
export async function openDevices(config: DevicesConfig, deps: DevicesDeps): Promise<NodeDevices> {
  const { os, tasks, pods, cpus, memory = () => undefined, onHealth } = deps;
  const log = os.log.child("devices");
  const folder = join(config.rootDir, "device-plugins");
  const places =
    config.cpus.topologyPolicy === "none" ? new Map<number, number>() : numaPlaces(await readCpuTopology());
  const manager = await DeviceManager.open(
    { folder, places },
    { os: { ...os, log }, tasks, onHealth: (podUids) => podUids.forEach(onHealth) },
  );
  const closers: (() => Promise<void>)[] = [];
  /** Where a socket cannot be, the node does without what it is for. */
  const serve = async (socket: string, handlers: Parameters<typeof serveSocket>[1]) => {
    try {
      closers.push(await serveSocket(socket, handlers, { ...os, log }));
    } catch (error) {
      log.warn("cannot listen: device plugins and monitors of devices are not served", { socket, error });
    }
  };
  return {
    manager,
    async start() {
      // Plugins make theirs anew once they see ours.
      await removeSockets(folder);
      const parts = { folder, resources: manager.resources, log, signal: tasks.signal };
      const registration = handlersOf("v1beta1.Registration", registrationCalls, {
        Register: (request) => registerPlugin(request, parts),
      });
      await serve(join(folder, "kubelet.sock"), registration);
      const told = podResources({ os, pods, devices: manager, cpus, memory });
      await serve(
        join(config.rootDir, "pod-resources", "kubelet.sock"),
        handlersOf("v1.PodResourcesLister", podResourcesCalls, told),
      );
    },
    async close() {
      for (const close of closers) await close();
      await manager.close();
    },
  };
}

async function removeSockets(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if ((await lstat(path)).isSocket()) await rm(path);
  }
}
