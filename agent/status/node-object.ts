import type { Node, Taint } from "../../client/types.ts";
import { isExtendedResource } from "../devices/device-list.ts";
import type { PressureCondition } from "../eviction/signals.ts";
import { binaryText, hugePageBytes, isHugePages } from "../memory/huge-pages.ts";
import type { Reservation } from "../reserved.ts";
import type { Machine } from "./machine.ts";
import type { NodeImages } from "./node-images.ts";

type NodeStatus = NonNullable<Node["status"]>;
type NodeCondition = NonNullable<NodeStatus["conditions"]>[number];

/** By resource. */
type Amounts = Readonly<Record<string, string>>;

export interface NodeInput {
  readonly name: string;
  readonly ip: string;
  /** Of the other family. */
  readonly secondIp?: string | undefined;
  readonly port: number;
  readonly maxPods: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** What no pod is given: for the system, for the cluster's own parts, and what is left where pods are evicted. */
  readonly reserved: Reservation;
  readonly runtimeVersion: string;
  readonly agentVersion: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** A cloud controller manager says what addresses the node has, and that pods may come. */
  readonly externalCloud: boolean;
  /** By which a cloud knows the machine. */
  readonly providerId: string | undefined;
  /** Whether containers can be in other groups than their user's own. */
  readonly supplementalGroups: boolean;
  /** Whether mounts can be read-only with all that is mounted in them. */
  readonly recursiveReadOnly: boolean;
  /** Whether pods can have users of their own. */
  readonly userNamespaces?: boolean;
  /** Whether what a pod may take as a whole can change as it runs. */
  readonly resizesPods?: boolean;
  /** Volumes that are not to be taken from the node, by the names that it and controllers know. */
  readonly volumesInUse?: () => readonly string[];
  /** What pods need not wait for. */
  readonly images?: Pick<NodeImages, "known">;
  /** What device plugins offer. */
  readonly devices?: {
    nodeAmounts(): { readonly capacity: Amounts; readonly allocatable: Amounts };
    /** None ever did: what the Node says of that is another machine's. */
    readonly isNew: boolean;
  };
  /** Ways to run containers beside the usual one. */
  readonly runtimeHandlers?: readonly {
    readonly name: string;
    readonly recursiveReadOnlyMounts: boolean;
    readonly userNamespaces: boolean;
  }[];
}

/** What not every node can do, by Kubernetes' names, in alphabetical order: schedulers look for it. */
const declaredFeatures = ({ resizesPods = false }: NodeInput): string[] => [
  ...(resizesPods ? ["InPlacePodLevelResourcesVerticalScaling"] : []),
  "RestartAllContainersOnContainerExits",
];

/** Until a cloud controller manager has seen the node. */
const uninitialized: Taint = {
  key: "node.cloudprovider.kubernetes.io/uninitialized",
  value: "true",
  effect: "NoSchedule",
};

/** What the agent registers. */
export function nodeObject(input: NodeInput, machine: Machine) {
  const { externalCloud, providerId } = input;
  const taints = externalCloud ? [...input.taints, uninitialized] : input.taints;
  return {
    metadata: {
      name: input.name,
      labels: nodeLabels(input, machine),
      annotations: nodeAnnotations(input),
    },
    spec: {
      ...(taints.length > 0 && { taints: [...taints] }),
      ...(providerId !== undefined && { providerID: providerId }),
    },
  };
}

/** A cloud controller manager is told which address this node was given. */
export function nodeAnnotations({ annotations, externalCloud, ip }: NodeInput): Record<string, string> {
  return { ...annotations, ...(externalCloud && { "alpha.kubernetes.io/provided-node-ip": ip }) };
}

export function nodeLabels(input: NodeInput, machine: Machine): Record<string, string> {
  return {
    "kubernetes.io/hostname": input.name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": machine.architecture,
    "beta.kubernetes.io/os": "linux",
    "beta.kubernetes.io/arch": machine.architecture,
    ...input.labels,
  };
}

export function allocatableOf({ reserved }: Pick<NodeInput, "reserved">, machine: Machine) {
  const hugePages = hugePageBytes(machine.hugePages);
  const inHugePages = Object.values(hugePages).reduce((sum, bytes) => sum + bytes, 0);
  return {
    cpuMillis: machine.cpus * 1000 - reserved.cpuMillis,
    memoryBytes: Math.max(0, machine.memoryBytes - reserved.memoryBytes - inHugePages),
    storageBytes: machine.storageBytes - reserved.storageBytes,
    /** In bytes, by resource. */
    hugePages,
  };
}

/** Those that a cloud controller manager set stay; until then, as everywhere else, what the agent was given. */
function addressesOf(
  { externalCloud, ip, secondIp, name }: NodeInput,
  before: NodeStatus | undefined,
): NonNullable<NodeStatus["addresses"]> {
  const known = before?.addresses ?? [];
  if (externalCloud && known.length > 0) return known;
  return [
    { type: "InternalIP", address: ip },
    ...(secondIp === undefined ? [] : [{ type: "InternalIP", address: secondIp }]),
    { type: "Hostname", address: name },
  ];
}

/** Whether the node controller gave the node up, having heard nothing of it: who is there says so again. */
export const isGivenUp = ({ status }: Node): boolean =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "Unknown") ?? false;

/** Nothing of resources with a domain's name that a Node says to have. */
export function withoutExtended({ status }: Node): Amounts {
  const names = Object.keys(status?.capacity ?? {}).filter(isExtendedResource);
  return Object.fromEntries(names.map((name) => [name, "0"]));
}

/** Null for each size of huge pages that a Node says to have and its machine does not know (any more): a patch takes it away. */
export function withoutUnknownPages(
  { status }: Node,
  machine: Pick<Machine, "hugePages">,
): Readonly<Record<string, null>> {
  const known = hugePageBytes(machine.hugePages);
  const gone = Object.keys(status?.capacity ?? {}).filter((name) => isHugePages(name) && !(name in known));
  return Object.fromEntries(gone.map((name) => [name, null]));
}

/** The status, without what others keep in it. `heartbeat` stamps the conditions. */
export function nodeStatus(
  input: NodeInput,
  machine: Machine,
  pressure: readonly PressureCondition[],
  before: NodeStatus | undefined,
  heartbeat: string,
  notReady?: string,
): NodeStatus {
  const able = allocatableOf(input, machine);
  const devices = input.devices?.nodeAmounts();
  const pods = String(input.maxPods);
  const images = input.images?.known;
  const hugePages = Object.fromEntries(
    Object.entries(able.hugePages).map(([name, bytes]) => [name, binaryText(bytes)]),
  );
  const ki = (bytes: number) => `${Math.floor(bytes / 1024)}Ki`;
  const condition = (
    type: string,
    bad: boolean,
    reasons: readonly [fine: string, bad: string],
    messages: readonly [fine: string, bad: string],
  ): NodeCondition => {
    const positive = type === "Ready";
    const status = bad === positive ? "False" : "True";
    const previous = before?.conditions?.find((one) => one.type === type);
    const index = bad ? 1 : 0;
    return {
      type,
      status,
      lastHeartbeatTime: heartbeat,
      lastTransitionTime:
        previous?.status === status && previous.lastTransitionTime ? previous.lastTransitionTime : heartbeat,
      reason: reasons[index],
      message: messages[index],
    } as NodeCondition;
  };
  const ours = [
    condition(
      "MemoryPressure",
      pressure.includes("MemoryPressure"),
      ["KubeletHasSufficientMemory", "KubeletHasInsufficientMemory"],
      ["agent has sufficient memory available", "agent has insufficient memory available"],
    ),
    condition(
      "DiskPressure",
      pressure.includes("DiskPressure"),
      ["KubeletHasNoDiskPressure", "KubeletHasDiskPressure"],
      ["agent has no disk pressure", "agent has disk pressure"],
    ),
    condition(
      "PIDPressure",
      pressure.includes("PIDPressure"),
      ["KubeletHasSufficientPID", "KubeletHasInsufficientPID"],
      ["agent has sufficient PID available", "agent has insufficient PID available"],
    ),
    condition(
      "Ready",
      notReady !== undefined,
      ["KubeletReady", "KubeletNotReady"],
      ["agent is posting ready status", notReady ?? ""],
    ),
  ];
  const others = (before?.conditions ?? []).filter(({ type }) => !ours.some((one) => one.type === type));
  return {
    addresses: addressesOf(input, before),
    capacity: {
      cpu: String(machine.cpus),
      memory: ki(machine.memoryBytes),
      pods,
      "ephemeral-storage": ki(machine.storageBytes),
      ...hugePages,
      ...devices?.capacity,
    },
    allocatable: {
      cpu: able.cpuMillis % 1000 === 0 ? String(able.cpuMillis / 1000) : `${able.cpuMillis}m`,
      memory: ki(able.memoryBytes),
      pods,
      "ephemeral-storage": ki(able.storageBytes),
      ...hugePages,
      ...devices?.allocatable,
    },
    conditions: [...others, ...ours],
    features: { supplementalGroupsPolicy: input.supplementalGroups },
    declaredFeatures: declaredFeatures(input),
    runtimeHandlers: [
      {
        name: "",
        features: {
          recursiveReadOnlyMounts: input.recursiveReadOnly,
          userNamespaces: input.userNamespaces ?? false,
        },
      },
      ...(input.runtimeHandlers ?? []).map(({ name, ...features }) => ({ name, features })),
    ],
    ...(images !== undefined && { images: [...images] }),
    ...(input.volumesInUse !== undefined && { volumesInUse: [...input.volumesInUse()] }),
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.machineId,
      bootID: machine.bootId,
      kernelVersion: machine.kernel,
      osImage: machine.osImage,
      containerRuntimeVersion: input.runtimeVersion,
      kubeletVersion: input.agentVersion,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: machine.architecture,
    },
  };
}
