import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { isAlreadyExists, isNotFound } from "../../client/api-error.ts";
import type { SyncResult } from "../../client/controller-loop.ts";
import type { Informer } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import type { Lease, Node } from "../../client/types.ts";
import type { WorkQueue } from "../../client/work-queue.ts";
import type { PressureCondition } from "../eviction/signals.ts";
import type { Machine } from "../status/machine.ts";
import { isGivenUp, type NodeInput, nodeObject, nodeStatus } from "../status/node-object.ts";
import { nodeStatusLimits } from "../status/node-status.ts";
import { timeText } from "../sync/time-text.ts";
import { delayOf, type Stage } from "./stages.ts";

/** What a simulated node is and has. */
export interface SimulatedMachine {
  readonly input: NodeInput;
  readonly machine: Machine;
}

/** What a simulated node finds wrong with itself. */
export interface NodeTrouble {
  /** Why it is not ready. */
  readonly notReady?: string | undefined;
  readonly pressure: readonly PressureCondition[];
}

export interface SimulatedNodesDeps {
  readonly client: ApiClient;
  readonly os: Pick<Os, "clock" | "log">;
  /** Those there are at first, by name. */
  readonly machines: ReadonlyMap<string, SimulatedMachine>;
  readonly stages: readonly Stage[];
  readonly leaseSeconds: number;
  readonly nodes: Informer<Node>;
  /** Its keys are the nodes' names. */
  readonly queue: WorkQueue;
}

interface Registered {
  lease: Lease;
  readyAtMs: number;
  isReady: boolean;
  /** When its lease is to be renewed, and its status sent again. */
  leaseDueMs: number;
  heartbeatDueMs: number;
}

const leaseNamespace = "kube-node-lease";

/** The Node objects of simulated nodes, and their leases. A node that somebody deletes stays away until the next start. */
export class SimulatedNodes {
  readonly #deps: SimulatedNodesDeps;
  readonly #machines: Map<string, SimulatedMachine>;
  readonly #troubles = new Map<string, NodeTrouble>();
  readonly #cutOff = new Set<string>();
  readonly #registered = new Map<string, Registered>();
  readonly #deleted = new Set<string>();
  readonly #halted = new Set<string>();

  constructor(deps: SimulatedNodesDeps) {
    this.#deps = deps;
    this.#machines = new Map(deps.machines);
  }

  /** How many are ready. */
  get ready(): number {
    let count = 0;
    for (const { isReady } of this.#registered.values()) if (isReady) count++;
    return count;
  }

  isOurs(name: string): boolean {
    return this.#machines.has(name) && !this.#deleted.has(name);
  }

  /** Whether it is one of ours, and has power. */
  isRunning(name: string): boolean {
    return this.isOurs(name) && !this.#halted.has(name);
  }

  /** The node says and does nothing any more. */
  halt(name: string): void {
    this.#machine(name);
    this.#halted.add(name);
  }

  /** Whether nothing that it says arrives, and it learns nothing. */
  isCutOff(name: string): boolean {
    return this.#cutOff.has(name);
  }

  /** The node goes on, and reaches nobody; or reaches them again. */
  setCutOff(name: string, isCutOff: boolean): void {
    this.#machine(name);
    if (isCutOff) this.#cutOff.add(name);
    else if (this.#cutOff.delete(name)) this.#tellSoon(name);
  }

  /** One more from now on. */
  add(machine: SimulatedMachine): void {
    const { name } = machine.input;
    this.#machines.set(name, machine);
    this.#deleted.delete(name);
    this.#halted.delete(name);
    this.#cutOff.delete(name);
    this.#troubles.delete(name);
    this.#registered.delete(name);
    this.#deps.queue.add(name);
  }

  /** It is gone for good; its object is somebody else's to delete. */
  remove(name: string): void {
    this.#machines.delete(name);
    this.#registered.delete(name);
  }

  /** Says from now on what is wrong with it, beginning now. */
  setTrouble(name: string, trouble: NodeTrouble): void {
    this.#machine(name);
    this.#troubles.set(name, trouble);
    this.#tellSoon(name);
  }

  /** The node boots again, and tells its state. */
  boot(name: string): void {
    if (this.#halted.delete(name)) this.#tellSoon(name);
  }

  #tellSoon(name: string): void {
    const registered = this.#registered.get(name);
    if (registered !== undefined) {
      registered.heartbeatDueMs = 0;
      registered.leaseDueMs = 0;
    }
    this.#deps.queue.add(name);
  }

  /** Has every one of our nodes worked on: now, and where it is given up. The returned function ends that. */
  follow(): () => void {
    const { nodes, queue } = this.#deps;
    for (const name of this.#machines.keys()) queue.add(name);
    return nodes.subscribe({
      onUpdate: (node) => {
        const { name } = node.metadata;
        const registered = this.#registered.get(name);
        if (!this.isRunning(name) || !registered?.isReady || !isGivenUp(node)) return;
        registered.heartbeatDueMs = 0;
        queue.add(name);
      },
    });
  }

  /** Does what is due for one node. */
  async sync(name: string, signal: AbortSignal): Promise<SyncResult> {
    if (!this.isRunning(name) || this.isCutOff(name)) return;
    try {
      return { requeueAfterMs: await this.#work(name, signal) };
    } catch (error) {
      if (!isNotFound(error) || !this.#registered.has(name)) throw error;
      this.#deps.os.log.info("a simulated node was deleted", { node: name });
      this.#registered.delete(name);
      this.#deleted.add(name);
    }
  }

  /** Answers milliseconds until the next is due. */
  async #work(name: string, signal: AbortSignal): Promise<number> {
    const { clock } = this.#deps.os;
    const node = this.#registered.get(name) ?? (await this.#register(name, signal));
    const nowMs = clock.monotonicMs();
    if (!node.isReady && nowMs >= node.readyAtMs) {
      await this.#sendStatus(name, signal);
      node.isReady = true;
    }
    if (nowMs >= node.heartbeatDueMs) {
      await this.#sendStatus(name, signal);
      node.heartbeatDueMs = nowMs + nodeStatusLimits.heartbeatMs;
    }
    if (nowMs >= node.leaseDueMs) {
      const lease = { ...node.lease, spec: this.#leaseSpec(name) };
      node.lease = await this.#deps.client.update(resources.leases, lease, { signal });
      node.leaseDueMs = nowMs + this.#renewMs();
    }
    const next = Math.min(node.leaseDueMs, node.heartbeatDueMs, node.isReady ? Infinity : node.readyAtMs);
    return Math.max(0, next - clock.monotonicMs());
  }

  /** A third of the time after which the lease counts as run out. */
  #renewMs(): number {
    return (this.#deps.leaseSeconds * 1000) / 3;
  }

  async #register(name: string, signal: AbortSignal): Promise<Registered> {
    const { client, os, stages } = this.#deps;
    const { input, machine } = this.#machine(name);
    const { labels, annotations } = input;
    const delayMs = delayOf(stages, "node-initialize", { uid: name, labels, annotations }) ?? 0;
    const object = nodeObject(input, machine);
    const status = this.#status(name, undefined, delayMs === 0);
    const made = await client
      .create(resources.nodes, { ...object, status }, { signal })
      .catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
        const patch = { metadata: object.metadata };
        return client.patch(resources.nodes, { name }, patch, { type: "merge", signal });
      });
    const isNew = made.status?.conditions !== undefined;
    if (!isNew) await this.#sendStatus(name, signal, made);
    const lease = await this.#makeLease(name, made, signal);
    const nowMs = os.clock.monotonicMs();
    const registered = {
      lease,
      readyAtMs: nowMs + delayMs,
      isReady: delayMs === 0,
      leaseDueMs: nowMs + this.#renewMs(),
      heartbeatDueMs: nowMs + nodeStatusLimits.heartbeatMs,
    };
    this.#registered.set(name, registered);
    return registered;
  }

  /** The lease belongs to the Node as it is now; one that an earlier process left is taken over. */
  async #makeLease(name: string, node: Node, signal: AbortSignal): Promise<Lease> {
    const { client } = this.#deps;
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid }];
    const lease = {
      metadata: { namespace: leaseNamespace, name, ownerReferences },
      spec: this.#leaseSpec(name),
    };
    return client.create(resources.leases, lease, { signal }).catch(async (error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
      const found = await client.get(resources.leases, { namespace: leaseNamespace, name }, { signal });
      return client.update(
        resources.leases,
        { ...found, ...lease, metadata: { ...found.metadata, ownerReferences } },
        { signal },
      );
    });
  }

  #leaseSpec(name: string) {
    const { os, leaseSeconds } = this.#deps;
    return {
      holderIdentity: name,
      leaseDurationSeconds: leaseSeconds,
      renewTime: new Date(os.clock.wallMs()).toISOString().replace("Z", "000Z"),
    };
  }

  async #sendStatus(name: string, signal: AbortSignal, before?: Node): Promise<void> {
    const status = this.#status(name, before?.status, true);
    const options = { type: "strategic", subresource: "status", signal } as const;
    await this.#deps.client.patch(resources.nodes, { name }, { status }, options);
  }

  #status(name: string, before: Node["status"], isReady: boolean) {
    const { input, machine } = this.#machine(name);
    const { notReady, pressure = [] } = this.#troubles.get(name) ?? {};
    const heartbeat = timeText(this.#deps.os.clock.wallMs());
    const trouble = isReady ? notReady : "the stage node-initialize is not over";
    return nodeStatus(input, machine, pressure, before, heartbeat, trouble);
  }

  #machine(name: string): SimulatedMachine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`${name} is no simulated node`);
    return machine;
  }
}
