import type { Duplex } from "node:stream";
import { sleep } from "../../base/os/clock.ts";
import type { Os, Running } from "../../base/os/os.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { type ControllerOptions, runController } from "../../client/controller-loop.ts";
import { EventRecorder } from "../../client/events.ts";
import { InformerFactory } from "../../client/informer.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { localPath } from "../../client/rules/local-path.ts";
import { kubernetesVersion } from "../../client/version.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import { AddressPool, parseRange } from "../network/address-pool.ts";
import { type Machine, readMachine } from "../status/machine.ts";
import type { NodeInput } from "../status/node-object.ts";
import { ReleasedVolumes } from "../volumes/released-volumes.ts";
import type { SimulationConfig } from "./flags.ts";
import { PodBehaviours } from "./pod-behaviour.ts";
import { type NodeTrouble, type SimulatedMachine, SimulatedNodes } from "./simulated-nodes.ts";
import { SimulatedPods, type SimulatedPodsDeps } from "./simulated-pods.ts";
import { SimulatedServer } from "./simulated-server.ts";
import { defaultStages, type Stage } from "./stages.ts";

const workers = 32;
const progressMs = 1000;

/** Nothing listens there. */
export const simulatedPort = 1;
/** Nothing is kept there. */
const noFolder = "/simulated";

/** Starts nodes that run nothing. Stopping leaves their objects as they are; they then become unreachable. */
export async function startSimulatedNodes(config: SimulationConfig, os: Os): Promise<Running> {
  const log = os.log.child("simulated nodes");
  const client = new RestClient(loadKubeconfig(config.agent.kubeconfig), {
    userAgent: "pintle-simulated-nodes",
    metrics: os.metrics,
  });
  const tasks = new TaskScope(log);
  simulate(config, { client, tasks, machine: await readMachine("/"), os: { ...os, log } });
  const stop = async () => {
    await tasks.stop();
    client.close();
  };
  return { done: tasks.untilStopped(), stop };
}

export interface SimulationDeps {
  readonly client: ApiClient;
  readonly tasks: TaskScope;
  /** The real one, beside what is simulated of it. */
  readonly machine: Machine;
  readonly os: Pick<Os, "clock" | "random" | "log">;
}

/** Power over simulated nodes, by name. */
export interface SimulatedPower {
  /** How many are ready. */
  readonly ready: () => number;
  /** The node says and does nothing any more. */
  readonly halt: (node: string) => void;
  /** It boots: it tells its state, and its pods' containers are started anew. */
  readonly boot: (node: string) => void;
  /** One more. */
  readonly add: (machine: SimulatedMachine) => void;
  /** It is gone; its object and its pods are somebody else's to delete. */
  readonly remove: (node: string) => void;
  /** It goes on and reaches nobody, or reaches them again. */
  readonly setCutOff: (node: string, isCutOff: boolean) => void;
  readonly setTrouble: (node: string, trouble: NodeTrouble) => void;
  /** What is said of pods has changed. */
  readonly wakePods: () => void;
  /** A connection to what the nodes answer of logs and commands. */
  readonly connect: () => Duplex;
}

/** Runs nodes and pods in a scope of tasks. */
export function simulate(config: SimulationConfig, deps: SimulationDeps): SimulatedPower {
  const { agent, stages, podRange, nodes } = config;
  const power = runSimulation(
    {
      machines: machinesOf(config, deps.machine),
      stages,
      podRange,
      hostIp: agent.nodeIp,
      leaseSeconds: agent.leaseSeconds,
    },
    deps,
  );
  deps.tasks.run("progress", (signal) => tellProgress(power, nodes, deps.os, signal));
  return power;
}

/** What is simulated. */
export interface Simulation {
  /** Those there are at first, by name. */
  readonly machines: ReadonlyMap<string, SimulatedMachine>;
  readonly stages: readonly Stage[];
  /** What happens to pods beyond the stages. */
  readonly behaviours?: PodBehaviours;
  /** Of which pods' addresses are. */
  readonly podRange: string;
  readonly hostIp: string;
  readonly leaseSeconds: number;
}

/** The same, of nodes that differ. */
export function runSimulation(
  { machines, stages: first, behaviours = new PodBehaviours(), podRange, hostIp, leaseSeconds }: Simulation,
  { client, tasks, os }: Omit<SimulationDeps, "machine">,
): SimulatedPower {
  const { clock, log } = os;
  const stages = [...first, ...defaultStages];
  const informers = new InformerFactory(tasks, { client, ...os });
  const nodeQueue = new WorkQueue(os);
  const nodes = new SimulatedNodes({
    client,
    os,
    machines,
    stages,
    leaseSeconds,
    nodes: informers.informer(resources.nodes),
    queue: nodeQueue,
  });
  nodes.follow();
  const isOurs = (name: string) => nodes.isOurs(name);
  const podQueue = new WorkQueue(os);
  const pods = new SimulatedPods({
    client,
    clock,
    pods: informers.informer(resources.pods, { fieldSelector: "spec.nodeName!=" }),
    queue: podQueue,
    addresses: new AddressPool(parseRange(podRange)),
    stages,
    behaviours,
    onEvent: eventsOf({ client, tasks, os }),
    hostIp,
    isRunning: (name) => nodes.isRunning(name),
    isCutOff: (name) => nodes.isCutOff(name),
  });
  pods.follow();
  const volumeQueue = new WorkQueue(os);
  const volumes = new ReleasedVolumes({
    client,
    log,
    volumes: informers.informer(resources.persistentvolumes),
    queue: volumeQueue,
    isOurs,
    removeFolder: async () => "removed",
  });
  volumes.follow();
  const run = (name: string, queue: WorkQueue, sync: ControllerOptions["sync"]) =>
    tasks.run(name, (signal) => runController({ name, workers, queue, sync, log, clock }, signal));
  run("simulated-nodes", nodeQueue, (name, signal) => nodes.sync(name, signal));
  run("simulated-pods", podQueue, (key, signal) => pods.sync(key, signal));
  run("simulated-volumes", volumeQueue, (key, signal) => volumes.sync(key, signal));
  const server = new SimulatedServer({ os, pods, behaviours });
  tasks.signal.addEventListener("abort", () => server.close(), { once: true });
  return {
    wakePods: () => pods.wakeAll(),
    connect: () => server.connect(),
    ready: () => nodes.ready,
    halt: (name) => nodes.halt(name),
    boot: (name) => {
      pods.boot(name);
      nodes.boot(name);
    },
    add: (machine) => nodes.add(machine),
    remove: (name) => nodes.remove(name),
    setCutOff: (name, isCutOff) => {
      nodes.setCutOff(name, isCutOff);
      pods.wake(name);
    },
    setTrouble: (name, trouble) => nodes.setTrouble(name, trouble),
  };
}

async function tellProgress(
  { ready }: Pick<SimulatedPower, "ready">,
  wanted: number,
  { clock, log }: SimulationDeps["os"],
  signal: AbortSignal,
): Promise<void> {
  for (let shown = -1; ready() < wanted; ) {
    if (ready() !== shown) log.info("nodes are ready", { ready: ready(), of: wanted });
    shown = ready();
    await sleep(clock, progressMs, signal);
  }
  log.info("all nodes are ready", { nodes: wanted });
}

/** Tells of pods in each node's name. */
function eventsOf({ client, tasks, os }: Omit<SimulationDeps, "machine">): SimulatedPodsDeps["onEvent"] {
  const recorders = new Map<string, EventRecorder>();
  return (node, pod, event) => {
    let recorder = recorders.get(node);
    if (recorder === undefined) {
      const made = new EventRecorder({ component: "kubelet", host: node }, { client, ...os });
      tasks.run(`events of ${node}`, (signal) => made.run(signal));
      recorders.set(node, made);
      recorder = made;
    }
    recorder.record(pod, event);
  };
}

function machinesOf(config: SimulationConfig, real: Machine): ReadonlyMap<string, SimulatedMachine> {
  const { agent, nodes, zones } = config;
  const machine = simulatedMachine(config, real);
  const machines = new Map<string, SimulatedMachine>();
  for (let at = 0; at < nodes; at++) {
    const name = `${agent.nodeName}-${at + 1}`;
    const zone = zones > 0 && { "topology.kubernetes.io/zone": `zone-${(at % zones) + 1}` };
    const { nodeIp: ip, maxPods, taints, reserved } = agent;
    const labels = { ...zone, ...agent.nodeLabels };
    machines.set(name, { machine, input: simulatedInput({ name, ip, maxPods, labels, taints, reserved }) });
  }
  return machines;
}

/** What every simulated node says of itself, beside what differs. */
export function simulatedInput(
  own: Pick<NodeInput, "name" | "ip" | "maxPods" | "labels" | "taints" | "reserved" | "devices">,
): NodeInput {
  return {
    ...own,
    port: simulatedPort,
    externalCloud: false,
    providerId: undefined,
    runtimeVersion: "simulated://1",
    agentVersion: kubernetesVersion.gitVersion,
    supplementalGroups: false,
    recursiveReadOnly: false,
    annotations: { "pintle.dev/runtime": "simulated", [localPath.folderAnnotation]: noFolder },
  };
}

/** This machine, but for what it has. */
function simulatedMachine({ cpus, memoryBytes }: SimulationConfig, real: Machine): Machine {
  return { ...real, cpus, memoryBytes, storageBytes: 1024 ** 4, hugePages: [] };
}
