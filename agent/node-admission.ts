import { UsageError } from "../base/os/flags.ts";
import type { Os } from "../base/os/os.ts";
import type { TaskScope } from "../base/os/task-scope.ts";
import { resources } from "../client/resources.ts";
import type { RestClient } from "../client/rest.ts";
import type { Node } from "../client/types.ts";
import { PodAdmission } from "./admission/pod-admission.ts";
import { PodPlacement } from "./admission/pod-placement.ts";
import type { CpuManager } from "./cpus/cpu-manager.ts";
import { readCpuTopology } from "./cpus/cpu-topology.ts";
import { openCpus } from "./cpus/open-cpus.ts";
import { numaPlaces, topologyLimits } from "./cpus/topology-hints.ts";
import type { DeviceManager } from "./devices/device-manager.ts";
import type { PressureCondition } from "./eviction/signals.ts";
import type { AgentConfig } from "./flags.ts";
import type { MemoryManager } from "./memory/memory-manager.ts";
import { openMemory } from "./memory/open-memory.ts";
import { readOptional } from "./runtime/supervised/records.ts";
import type { Machine } from "./status/machine.ts";
import { allocatableOf, type NodeInput } from "./status/node-object.ts";

interface NodeAdmissionInput {
  readonly config: AgentConfig;
  readonly client: RestClient;
  readonly os: Os;
  readonly tasks: TaskScope;
  readonly node: NodeInput;
  readonly machine: Machine;
  /** What counts where the API does not answer. */
  readonly registered: Node;
  /** Containers are plain processes, which nothing keeps to CPUs. */
  readonly isProcesses: boolean;
  readonly devices: DeviceManager;
  readonly pressure: () => readonly PressureCondition[];
  readonly isShuttingDown: () => boolean;
  /** Called when containers that share have other CPUs from then on. */
  readonly onShared: () => void;
}

export interface NodeAdmission {
  readonly admission: PodAdmission;
  readonly cpus: CpuManager | undefined;
  readonly memory: MemoryManager | undefined;
  /** The Node as the API has it now. */
  readonly nodeNow: () => Promise<Node>;
}

/** What says which pods the node takes, and what of it they get. Rejects with UsageError where the machine or what an earlier agent
 *  left does not allow what is asked for. */
export async function openNodeAdmission(input: NodeAdmissionInput): Promise<NodeAdmission> {
  const { config, client, os, tasks, node, registered, devices } = input;
  const able = allocatableOf(node, input.machine);
  const { isStatic, topologyPolicy } = config.cpus;
  const topology = isStatic || topologyPolicy !== "none" ? await readCpuTopology() : [];
  if (topologyPolicy !== "none" && numaPlaces(topology).size > topologyLimits.numaNodesMost)
    throw new UsageError(
      `--topology-manager-policy: unsupported on machines with more than ${topologyLimits.numaNodesMost} NUMA Nodes`,
    );
  const { isProcesses, onShared } = input;
  const cpus = await openCpus(config, { isProcesses, log: os.log, onShared });
  const { reserved } = node;
  const memory = await openMemory(config, { reserved, machine: input.machine, isProcesses, log: os.log });
  const nodeNow = () =>
    client
      .get(resources.nodes, { name: config.nodeName }, { signal: tasks.signal })
      .catch((error: unknown) => {
        os.log.warn("cannot read the node; judging pods by what it registered with", { error });
        return registered;
      });
  const admission = new PodAdmission(
    {
      allowedUnsafeSysctls: config.allowedUnsafeSysctls,
      supplementalGroups: node.supplementalGroups,
      appArmor: (await readOptional("/sys/module/apparmor/parameters/enabled"))?.startsWith("Y") ?? false,
      isShuttingDown: input.isShuttingDown,
    },
    async () => {
      const now = await nodeNow();
      return {
        name: config.nodeName,
        labels: now.metadata.labels ?? {},
        taints: now.spec?.taints ?? [],
        allocatable: {
          cpu: able.cpuMillis,
          memory: able.memoryBytes,
          "ephemeral-storage": able.storageBytes,
          ...able.hugePages,
          pods: config.maxPods,
        },
      };
    },
    input.pressure,
    new PodPlacement({ ...config.cpus, topology, reserved: new Set() }, { cpus, memory, devices }),
  );
  return { admission, cpus, memory, nodeNow };
}
