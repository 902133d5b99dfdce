import { sleep } from "../../base/os/clock.ts";
import type { Os, Running } from "../../base/os/os.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { type ControllerOptions, runController } from "../../client/controller-loop.ts";
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
import { SimulatedNodes } from "./simulated-nodes.ts";
import { SimulatedPods } from "./simulated-pods.ts";
import { defaultStages } from "./stages.ts";

const workers = 32;
const progressMs = 1000;

/** Nothing listens there. */
const closedPort = 1;
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

interface SimulationDeps {
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
}

/** Runs nodes and pods in a scope of tasks. */
export function simulate(
  config: SimulationConfig,
  { client, tasks, machine, os }: SimulationDeps,
): SimulatedPower {
  const { clock, log } = os;
  const stages = [...config.stages, ...defaultStages];
  const inputs = nodeInputs(config);
  const informers = new InformerFactory(tasks, { client, ...os });
  const nodeQueue = new WorkQueue(os);
  const nodes = new SimulatedNodes({
    client,
    os,
    inputs,
    machine: simulatedMachine(config, machine),
    stages,
    leaseSeconds: config.agent.leaseSeconds,
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
    addresses: new AddressPool(parseRange(config.podRange)),
    stages,
    hostIp: config.agent.nodeIp,
    isRunning: (name) => nodes.isRunning(name),
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
  tasks.run("progress", (signal) => tellProgress(nodes, config.nodes, os, signal));
  return {
    ready: () => nodes.ready,
    halt: (name) => nodes.halt(name),
    boot: (name) => {
      pods.boot(name);
      nodes.boot(name);
    },
  };
}

async function tellProgress(
  nodes: SimulatedNodes,
  wanted: number,
  { clock, log }: SimulationDeps["os"],
  signal: AbortSignal,
): Promise<void> {
  for (let shown = -1; nodes.ready < wanted; ) {
    if (nodes.ready !== shown) log.info("nodes are ready", { ready: nodes.ready, of: wanted });
    shown = nodes.ready;
    await sleep(clock, progressMs, signal);
  }
  log.info("all nodes are ready", { nodes: wanted });
}

function nodeInputs({ agent, nodes, zones }: SimulationConfig): ReadonlyMap<string, NodeInput> {
  const inputs = new Map<string, NodeInput>();
  for (let at = 0; at < nodes; at++) {
    const name = `${agent.nodeName}-${at + 1}`;
    const zone = zones > 0 && { "topology.kubernetes.io/zone": `zone-${(at % zones) + 1}` };
    inputs.set(name, {
      name,
      ip: agent.nodeIp,
      port: closedPort,
      maxPods: agent.maxPods,
      labels: { ...zone, ...agent.nodeLabels },
      taints: agent.taints,
      externalCloud: false,
      providerId: undefined,
      reserved: agent.reserved,
      runtimeVersion: "simulated://1",
      agentVersion: kubernetesVersion.gitVersion,
      supplementalGroups: false,
      recursiveReadOnly: false,
      annotations: { "pintle.dev/runtime": "simulated", [localPath.folderAnnotation]: noFolder },
    });
  }
  return inputs;
}

/** This machine, but for what it has. */
function simulatedMachine({ cpus, memoryBytes }: SimulationConfig, real: Machine): Machine {
  return { ...real, cpus, memoryBytes, storageBytes: 1024 ** 4, hugePages: [] };
}
