import { StatusError } from "../../base/grpc/status.ts";
import type { Os } from "../../base/os/os.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { Container, Pod } from "../../client/types.ts";
import type { CpuManager } from "../cpus/cpu-manager.ts";
import { parseCpuSet } from "../cpus/cpu-set.ts";
import type { MemoryManager } from "../memory/memory-manager.ts";
import type { MemoryBlock } from "../memory/memory-state.ts";
import type { CallHandlers } from "../socket-server.ts";
import { isTerminal } from "../sync/pod-phase.ts";
import type { DeviceManager } from "./device-manager.ts";
import type { ContainerDevices, podResourcesCalls } from "./messages.ts";

export interface PodResourcesParts {
  readonly os: Pick<Os, "clock">;
  readonly pods: () => readonly Pod[];
  readonly devices: DeviceManager;
  /** Undefined where all containers share all. */
  readonly cpus: () => Pick<CpuManager, "cpusOf" | "allocatable"> | undefined;
  /** Undefined likewise. */
  readonly memory: () => Pick<MemoryManager, "blocksOf" | "allocatable"> | undefined;
}

/** As kubelets'. */
const callsLimit = { perSecond: 100, burst: 10 } as const;

/** Tells monitors which devices, CPUs and memory containers have. */
export function podResources(parts: PodResourcesParts): CallHandlers<typeof podResourcesCalls> {
  const { os, pods, devices, cpus, memory } = parts;
  const bucket = new TokenBucket(callsLimit, os.clock.monotonicMs());
  const limited = () => {
    if (bucket.take(os.clock.monotonicMs()) > 0)
      throw new StatusError("RESOURCE_EXHAUSTED", "rejected by rate limit");
  };
  const ofContainer = (pod: Pod, { name }: Container) => {
    const own = cpus()?.cpusOf(pod.metadata.uid, name);
    return {
      name,
      devices: [...devices.of(pod.metadata.uid, name)].flatMap(([resourceName, given]) =>
        devicesOf(resourceName, given.devices),
      ),
      cpuIds: own?.isExclusive ? [...(parseCpuSet(own.cpus) ?? [])] : [],
      memory: (memory()?.blocksOf(pod.metadata.uid, name) ?? []).map(memoryOf),
    };
  };
  const ofPod = (pod: Pod) => ({
    name: pod.metadata.name,
    namespace: pod.metadata.namespace ?? "",
    // Init containers are over when anybody looks, but sidecars.
    containers: [
      ...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"),
      ...pod.spec.containers,
    ].map((container) => ofContainer(pod, container)),
  });
  return {
    async List() {
      limited();
      const active = pods().filter(({ status }) => !isTerminal(status?.phase));
      return { podResources: active.map(ofPod) };
    },
    async GetAllocatableResources() {
      limited();
      const { resources } = devices;
      return {
        devices: resources.names.flatMap((name) => {
          const healthy = [...resources.devices(name)].filter(([, { isHealthy }]) => isHealthy);
          return devicesOf(name, new Map(healthy.map(([id, { numa }]) => [id, numa])));
        }),
        cpuIds: [...(cpus()?.allocatable ?? [])].sort((a, b) => a - b),
        memory: (memory()?.allocatable ?? []).map(memoryOf),
      };
    },
    async Get({ podName, podNamespace }) {
      limited();
      const found = pods().find(
        ({ metadata }) => metadata.name === podName && metadata.namespace === podNamespace,
      );
      if (found === undefined)
        throw new StatusError(
          "UNKNOWN",
          `pod ${podName.slice(0, 253)} in namespace ${podNamespace.slice(0, 253)} not found`,
        );
      return { podResources: ofPod(found) };
    },
  };
}

const memoryOf = ({ numas, type, bytes }: MemoryBlock) => ({
  memoryType: type,
  size: bytes,
  topology: { nodes: numas.map((ID) => ({ ID })) },
});

/** One entry a device and NUMA node, as kubelets tell it. */
function devicesOf(
  resourceName: string,
  devices: ReadonlyMap<string, readonly number[]>,
): readonly Partial<ContainerDevices>[] {
  return [...devices].flatMap(([id, numa]) =>
    numa.length === 0
      ? [{ resourceName, deviceIds: [id] }]
      : numa.map((ID) => ({ resourceName, deviceIds: [id], topology: { nodes: [{ ID }] } })),
  );
}
