import { backoffMs } from "../../base/backoff.ts";
import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { isAlreadyExists, isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Lease, Node } from "../../client/types.ts";
import { troubleOf } from "./health.ts";
import { type Machine, readPressure } from "./machine.ts";
import { type NodeInput, nodeLabels, nodeObject, nodeStatus } from "./node-object.ts";

export interface NodeStatusConfig {
  readonly rootDir: string;
  /** Absolute paths of what containers cannot be run without. */
  readonly programs: readonly string[];
  /** How often the machine is looked at. */
  readonly updateMs: number;
  readonly leaseSeconds: number;
}

export const nodeStatusLimits = { heartbeatMs: 300_000, retry: { firstMs: 200, mostMs: 5_000 } } as const;

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
          const metadata = { labels: nodeLabels(node, machine), annotations: { ...node.annotations } };
          return client.patch(resources.nodes, { name: node.name }, { metadata }, { type: "merge", signal });
        });
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
  { client, os, node, machine }: Deps,
  before: Node,
  signal: AbortSignal,
): Promise<Node> {
  const heartbeat = new Date(os.clock.wallMs()).toISOString().replace(/\.\d+Z/, "Z");
  const { pressure, trouble } = await look(config);
  const status = nodeStatus(node, machine, pressure, before.status, heartbeat, trouble);
  return client.patch(
    resources.nodes,
    { name: node.name },
    { status },
    { type: "merge", subresource: "status", signal },
  );
}

async function look({ rootDir, programs }: NodeStatusConfig) {
  return { pressure: await readPressure(rootDir), trouble: await troubleOf(rootDir, programs) };
}

/** Looks at the machine every `updateMs`; sends the status when something changed, else every 5 min. */
export async function keepNodeStatus(
  config: NodeStatusConfig,
  deps: Deps,
  registered: Node,
  signal: AbortSignal,
): Promise<void> {
  const { os, client, node } = deps;
  let known = registered;
  let sentMs = os.clock.monotonicMs();
  let seen = JSON.stringify(await look(config));
  for (;;) {
    await sleep(os.clock, config.updateMs, signal);
    try {
      const now = JSON.stringify(await look(config));
      if (now === seen && os.clock.monotonicMs() - sentMs < nodeStatusLimits.heartbeatMs) continue;
      known = await client.get(resources.nodes, { name: node.name }, { signal });
      known = await sendStatus(config, deps, known, signal);
      seen = now;
      sentMs = os.clock.monotonicMs();
    } catch (error) {
      signal.throwIfAborted();
      if (isNotFound(error)) known = await registerNode(config, deps, signal);
      else os.log.warn("cannot send node status", { error });
    }
  }
}

/** Renews kube-node-lease/<node> every quarter of its duration. */
export async function keepNodeLease(
  config: NodeStatusConfig,
  deps: Deps,
  uid: string,
  signal: AbortSignal,
): Promise<void> {
  const { client, os, node } = deps;
  const ref = { namespace: "kube-node-lease", name: node.name };
  let lease: Lease | undefined;
  for (let failures = 0; ; ) {
    try {
      const spec = {
        holderIdentity: node.name,
        leaseDurationSeconds: config.leaseSeconds,
        renewTime: new Date(os.clock.wallMs()).toISOString().replace("Z", "000Z"),
      };
      lease ??= await client.get(resources.leases, ref, { signal }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      const owner = { apiVersion: "v1", kind: "Node", name: node.name, uid };
      lease =
        lease === undefined
          ? await client.create(
              resources.leases,
              { metadata: { ...ref, ownerReferences: [owner] }, spec },
              { signal },
            )
          : await client.update(resources.leases, { ...lease, spec }, { signal });
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      lease = undefined; // read it anew: it changed under us, or is gone
      failures++;
      if (failures > 1) os.log.warn("cannot renew the node lease", { failures, error });
    }
    const waitMs =
      failures === 0
        ? (config.leaseSeconds * 1000) / 4
        : backoffMs(nodeStatusLimits.retry, failures, os.random);
    await sleep(os.clock, waitMs, signal);
  }
}
