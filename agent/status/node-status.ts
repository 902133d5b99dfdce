import { backoffMs } from "../../base/backoff.ts";
import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { ApiError, isAlreadyExists, isNotFound, orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Draft, Lease, Node } from "../../client/types.ts";
import type { PressureCondition } from "../eviction/signals.ts";
import { troubleOf } from "./health.ts";
import type { Machine } from "./machine.ts";
import {
  isGivenUp,
  type NodeInput,
  nodeAnnotations,
  nodeLabels,
  nodeObject,
  nodeStatus,
  withoutExtended,
  withoutUnknownPages,
} from "./node-object.ts";

export interface NodeStatusConfig {
  readonly rootDir: string;
  /** Absolute paths of what containers cannot be run without. */
  readonly programs: readonly string[];
  /** What the node is short of. */
  readonly pressure: () => Promise<readonly PressureCondition[]>;
  /** Why the container runtime cannot run pods, where there is one to ask. */
  readonly runtimeTrouble?: (() => Promise<string | undefined>) | undefined;
  /** How often the machine is looked at. */
  readonly updateMs: number;
  readonly leaseSeconds: number;
}

export const nodeStatusLimits = {
  heartbeatMs: 300_000,
  /** As the kubelet, which looks more often for so long after its start, until it is ready. */
  untilReady: { lookMs: 500, forMs: 120_000 },
  retry: { firstMs: 200, mostMs: 5_000 },
} as const;

interface Deps {
  readonly client: ApiClient;
  readonly os: Os;
  readonly machine: Machine;
  readonly node: NodeInput;
}

/** Makes the Node, or takes over the one of this name; answers it with a fresh status. Tries until it succeeds. */
export async function registerNode(config: NodeStatusConfig, deps: Deps, signal: AbortSignal): Promise<Node> {
  const { client, os, node, machine } = deps;
  for (let failures = 1; ; failures++) {
    try {
      const made = await client
        .create(resources.nodes, nodeObject(node, machine), { signal })
        .catch((error: unknown) => {
          if (!isAlreadyExists(error)) throw error;
          const metadata = { labels: nodeLabels(node, machine), annotations: nodeAnnotations(node) };
          return client.patch(resources.nodes, { name: node.name }, { metadata }, { type: "merge", signal });
        });
      // A machine that is new says what it has of what only plugins find out: nothing yet.
      const extended = node.devices?.isNew ? withoutExtended(made) : {};
      const stale = { ...extended, ...withoutUnknownPages(made, machine) };
      if (Object.keys(stale).length > 0)
        await patchStatus(deps, { capacity: stale, allocatable: stale }, signal);
      return await sendStatus(config, deps, made, signal);
    } catch (error) {
      signal.throwIfAborted();
      os.log.warn("cannot register the node", { node: node.name, failures, error });
      await sleep(os.clock, backoffMs(nodeStatusLimits.retry, failures, os.random), signal);
    }
  }
}

async function sendStatus(
  config: NodeStatusConfig,
  deps: Deps,
  before: Node,
  signal: AbortSignal,
): Promise<Node> {
  const { os, node, machine } = deps;
  const heartbeat = new Date(os.clock.wallMs()).toISOString().replace(/\.\d+Z/, "Z");
  const { pressure, trouble } = await look(config);
  const status = nodeStatus(node, machine, pressure, before.status, heartbeat, trouble);
  return patchStatus(deps, status, signal);
}

/** Strategic: conditions merge by their type, so that those of others stay, whatever they became since we read. */
const patchStatus = ({ client, node }: Deps, status: object, signal: AbortSignal): Promise<Node> =>
  client.patch(
    resources.nodes,
    { name: node.name },
    { status },
    { type: "strategic", subresource: "status", signal },
  );

/** This node's Node, which somebody may delete while the agent lives. */
export class Registration {
  readonly #config: NodeStatusConfig;
  readonly #deps: Deps;
  #node: Node;

  constructor(config: NodeStatusConfig, deps: Deps, registered: Node) {
    this.#config = config;
    this.#deps = deps;
    this.#node = registered;
  }

  /** The Node as the server has it; registers again when it is gone. */
  async current(signal: AbortSignal): Promise<Node> {
    const { client, os, node } = this.#deps;
    try {
      this.#node = await client.get(resources.nodes, { name: node.name }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      os.log.warn("the Node was deleted; registering again", { node: node.name });
      this.#node = await registerNode(this.#config, this.#deps, signal);
    }
    return this.#node;
  }

  async sendStatus(signal: AbortSignal): Promise<void> {
    this.#node = await sendStatus(this.#config, this.#deps, await this.current(signal), signal);
  }
}

async function look({ rootDir, programs, pressure, runtimeTrouble }: NodeStatusConfig) {
  // First: a disk that is full is told as that.
  const conditions = await pressure();
  const isFull = conditions.includes("DiskPressure");
  return { pressure: conditions, trouble: await troubleOf({ rootDir, programs, runtimeTrouble, isFull }) };
}

/** Looks at the machine and at the Node every `updateMs`; sends the status when something changed or the Node was given up, else
 *  every 5 min. A new agent that is not ready looks at its machine more often: what it waits for, such as a network that a pod
 *  installs, others wait for, too. */
export async function keepNodeStatus(
  config: NodeStatusConfig,
  { os, node }: Deps,
  registration: Registration,
  signal: AbortSignal,
): Promise<void> {
  const { heartbeatMs, untilReady } = nodeStatusLimits;
  const seeing = async () => {
    const found = await look(config);
    const isReady = found.trouble === undefined;
    return { isReady, text: JSON.stringify([found, node.devices?.nodeAmounts(), node.images?.known]) };
  };
  const startedMs = os.clock.monotonicMs();
  let sentMs = startedMs;
  let askedMs = startedMs;
  let seen = await seeing();
  for (;;) {
    const isSoonReady = !seen.isReady && os.clock.monotonicMs() - startedMs < untilReady.forMs;
    await sleep(
      os.clock,
      isSoonReady ? Math.min(untilReady.lookMs, config.updateMs) : config.updateMs,
      signal,
    );
    try {
      const now = await seeing();
      const nowMs = os.clock.monotonicMs();
      if (now.text === seen.text && nowMs - sentMs < heartbeatMs) {
        if (nowMs - askedMs < config.updateMs) continue;
        askedMs = nowMs;
        if (!isGivenUp(await registration.current(signal))) continue;
      }
      await registration.sendStatus(signal);
      seen = now;
      sentMs = os.clock.monotonicMs();
    } catch (error) {
      signal.throwIfAborted();
      os.log.warn("cannot send node status", { error });
    }
  }
}

/** Whose credential is refused, whatever it is tried with: nothing that the agent can do changes that. */
const hintOn = (error: unknown) =>
  error instanceof ApiError && error.code === 401
    ? { hint: "the node was removed, or its certificate ran out: end this agent, or join again with a token" }
    : {};

/** Renews kube-node-lease/<node> every quarter of its duration. The lease belongs to the Node as it is now: one whose
 *  owner is an earlier Node of this name would be collected as garbage, again and again. */
export async function keepNodeLease(
  config: NodeStatusConfig,
  { client, os, node }: Deps,
  registration: Registration,
  signal: AbortSignal,
): Promise<void> {
  const ref = { namespace: "kube-node-lease", name: node.name };
  let lease: Draft<Lease> | undefined;
  for (let failures = 0; ; ) {
    try {
      const spec = {
        holderIdentity: node.name,
        leaseDurationSeconds: config.leaseSeconds,
        renewTime: new Date(os.clock.wallMs()).toISOString().replace("Z", "000Z"),
      };
      if (lease === undefined) {
        const { uid } = (await registration.current(signal)).metadata;
        const ownerReferences = [{ apiVersion: "v1", kind: "Node", name: node.name, uid }];
        const found = await orAbsent(client.get(resources.leases, ref, { signal }));
        lease = { ...found, metadata: { ...(found?.metadata ?? ref), ownerReferences } };
      }
      lease =
        lease.metadata.uid === undefined
          ? await client.create(resources.leases, { ...lease, spec }, { signal })
          : await client.update(resources.leases, { ...lease, spec }, { signal });
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      lease = undefined; // read it anew: it changed under us, or is gone
      failures++;
      if (failures > 1) os.log.warn("cannot renew the node lease", { failures, error, ...hintOn(error) });
    }
    const waitMs =
      failures === 0
        ? (config.leaseSeconds * 1000) / 4
        : backoffMs(nodeStatusLimits.retry, failures, os.random);
    await sleep(os.clock, waitMs, signal);
  }
}
