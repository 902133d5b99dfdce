import { chmod, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree } from "../../agent/remove-tree.ts";
import { findProgram } from "../../agent/runtime/choose.ts";
import { parseIpRange } from "../../base/ip-range.ts";
import type { Os } from "../../base/os/os.ts";
import type {
  KeeperOrder,
  NodeIdentity,
  NodesNetwork,
  RealRuntime,
} from "../../cluster/real/keeper-orders.ts";
import { Turns } from "../../cluster/turns.ts";
import { OperatorError } from "../command.ts";
import { type ClusterPlan, writeClusterState } from "../up/cluster-state.ts";
import { createHostNetwork, dropNode, type HostNetwork, joinNode } from "../up/host-network.ts";
import { clusterLayout, type Layout } from "../up/layout.ts";
import { removePods } from "../up/leftovers.ts";
import { decidePlan, type HeldPlan, missingForContainers } from "../up/plan.ts";
import { addressing, agentSpec, type NodeSpec } from "../up/topology.ts";
import { RunningAgent } from "./running-agent.ts";

interface Kept {
  /** What is asked for one node is done one after the other. */
  readonly turns: Turns;
  readonly spec: NodeSpec;
  readonly number: number;
  readonly argv: readonly string[];
  agent: RunningAgent | undefined;
}

/** The kernel's names of namespaces, and paths of sockets, are bounded. */
const nodesMost = 200;

/** The real nodes of a cluster on this machine, laid out as `pintle up` lays out its own: what a keeper leaves that is killed is
 *  found and removed by whoever takes its network next. */
export class KeptNodes {
  readonly #held: HeldPlan;
  readonly #layout: Layout;
  readonly #os: Os;
  readonly #log: string | undefined;
  readonly #onEnd: (node: string, why: string) => void;
  readonly #nodes = new Map<string, Kept>();
  #plan: ClusterPlan;
  #network: HostNetwork | undefined;
  /** Changes of the machine's network and of what is written down come one after the other. */
  readonly #turns = new Turns();

  private constructor(
    held: HeldPlan,
    layout: Layout,
    os: Os,
    { log, onEnd }: { log: string | undefined; onEnd: (node: string, why: string) => void },
  ) {
    this.#held = held;
    this.#layout = layout;
    this.#os = os;
    this.#log = log;
    this.#onEnd = onEnd;
    this.#plan = { ...held.plan, nodes: 0, nodeNames: [], ports: {} };
  }

  /** @param onEnd An agent has ended that nobody had asked to. */
  static async open(
    { runtime, log }: Extract<KeeperOrder, { do: "open" }>,
    os: Os,
    onEnd: (node: string, why: string) => void,
  ): Promise<KeptNodes> {
    checkMachine(runtime);
    const held = await decidePlan(
      { ...planned, runtime: runtime === "containers" ? "oci" : "process" },
      undefined,
      os,
    );
    const folder = await mkdtemp(join(tmpdir(), "pintle-nodes-"));
    const nodes = new KeptNodes(held, clusterLayout(folder), os, { log, onEnd });
    try {
      // Pods of other users come through it to their own files.
      await chmod(folder, 0o711);
      for (const dir of [nodes.#layout.pki, nodes.#layout.logs]) await mkdir(dir, { mode: 0o700 });
      nodes.#save();
      if (runtime === "containers") nodes.#network = await createHostNetwork(nodes.#plan, folder);
      return nodes;
    } catch (error) {
      await nodes.close();
      throw error;
    }
  }

  get network(): NodesNetwork {
    const { bridgeAddress, serviceRange, podRange, balancerPool } = addressing(this.#plan);
    return {
      apiAddresses: ["127.0.0.1", bridgeAddress ?? []].flat(),
      advertiseAddress: bridgeAddress ?? "127.0.0.1",
      serviceRange,
      podRange,
      folder: this.#layout.folder,
      controllerFlags: balancerPool === undefined ? [] : [`--service-load-balancer-pool=${balancerPool}`],
    };
  }

  /** Makes room for a node. Resolves with its address. */
  place(name: string): Promise<string> {
    return this.#turns.take(async () => {
      const nodeNames = [...(this.#plan.nodeNames ?? []), name];
      const number = nodeNames.length;
      if (number > nodesMost)
        throw new OperatorError(`more than ${nodesMost} real nodes, one after the other`);
      const ports = { ...this.#plan.ports, [`agent-${number}`]: 0 };
      const plan = { ...this.#plan, nodes: number, nodeNames, ports };
      const spec = addressing(plan).nodes[number - 1];
      if (spec === undefined) throw new Error(`node ${number} has no address`);
      this.#plan = plan;
      const { argv } = agentSpec(plan, this.#layout, spec, number);
      this.#nodes.set(name, { turns: new Turns(), spec, number, argv, agent: undefined });
      this.#save();
      if (this.#network !== undefined) await joinNode(plan, spec, number);
      return spec.address;
    });
  }

  /** Starts a node's agent; what it had before is ended first. */
  boot(name: string, identity?: NodeIdentity): Promise<void> {
    return this.#node(name).turns.take(() => this.#boot(name, identity));
  }

  async #boot(name: string, identity: NodeIdentity | undefined): Promise<void> {
    const node = this.#node(name);
    await this.#halt(name);
    if (identity !== undefined) await this.#writeIdentity(name, identity);
    const flags = identity === undefined ? (node.agent?.flags ?? []) : registrationFlags(identity);
    const agent = RunningAgent.start(
      { argv: [...node.argv, ...flags], flags, networkNamespace: node.spec.networkNamespace, log: this.#log },
      (why) => this.#onEnd(name, why),
    );
    node.agent = agent;
    this.#save();
  }

  halt(name: string): Promise<void> {
    return this.#node(name).turns.take(() => this.#halt(name));
  }

  async #halt(name: string): Promise<void> {
    const node = this.#node(name);
    await node.agent?.kill();
    await removePods(this.#layout, { ...this.#plan, nodeNames: [name] }, this.#os);
    this.#save();
  }

  async route(name: string, podRanges: readonly string[]): Promise<void> {
    const { spec } = this.#node(name);
    const ranges = podRanges.filter((range) => parseIpRange(range) !== undefined);
    await this.#turns.take(async () =>
      this.#network?.routePods([{ addresses: [spec.address], podRanges: ranges }]),
    );
  }

  remove(name: string): Promise<void> {
    return this.#node(name).turns.take(() => this.#remove(name));
  }

  async #remove(name: string): Promise<void> {
    const { spec, number } = this.#node(name);
    await this.#halt(name);
    this.#nodes.delete(name);
    await this.#turns.take(async () => {
      if (this.#network !== undefined) await dropNode(this.#plan, spec, number);
      this.#save();
    });
    await removeTree(this.#layout.node(name));
  }

  /** Ends all that runs, and removes all that is on the machine. */
  async close(): Promise<void> {
    await this.#turns.over();
    await Promise.all([...this.#nodes.values()].map(({ agent }) => agent?.kill()));
    await removePods(this.#layout, this.#plan, this.#os);
    await this.#network?.remove();
    this.#held.release();
    await removeTree(this.#layout.folder);
  }

  #node(name: string): Kept {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name} is kept`);
    return node;
  }

  async #writeIdentity(name: string, identity: NodeIdentity): Promise<void> {
    const { pki } = this.#layout;
    const files = {
      [this.#layout.kubeconfigOf(name)]: identity.kubeconfig,
      [join(pki, "ca.pem")]: identity.caPem,
      [join(pki, `node-${name}.pem`)]: identity.certificatePem,
      [join(pki, `node-${name}-key.pem`)]: identity.privateKeyPem,
    };
    for (const [path, text] of Object.entries(files)) await writeFile(path, text, { mode: 0o600 });
  }

  #save(): void {
    const components = [...this.#nodes].map(([name, { agent }]) => ({
      name,
      kind: "agent" as const,
      pid: agent?.pid ?? null,
      restarts: 0,
      startedMs: agent?.startedMs ?? 0,
    }));
    writeClusterState(this.#layout, { version: 1, plan: this.#plan, supervisorPid: process.pid, components });
  }
}

/** Of what a cluster in another process needs no other part. */
const planned = {
  replicas: 1,
  nodes: 1,
  apiPort: 0,
  dualStack: false,
  clusterDns: [],
  proxyMode: undefined,
  resourceMetrics: false,
  publishMetrics: false,
  featureGates: [],
  given: new Set<string>(),
};

function checkMachine(runtime: RealRuntime): void {
  const missing = runtime === "containers" ? missingForContainers() : [];
  if (findProgram("perl") === undefined) missing.push("no perl (apt-get install perl-base)");
  if (missing.length === 0) return;
  const instead =
    runtime === "containers" ? ', or have "processes", which need no root, or simulated nodes' : "";
  throw new OperatorError(
    `nodes of ${runtime} cannot run here: ${missing.join(", ")}; see to that${instead}`,
  );
}

function registrationFlags({ labels, taints }: NodeIdentity): readonly string[] {
  return [
    ...Object.entries(labels).map(([key, value]) => `--node-labels=${key}=${value}`),
    ...taints.map((taint) => `--register-with-taints=${taint}`),
  ];
}
