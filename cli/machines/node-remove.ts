import { systemClock } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import { isAlreadyExists, isNotFound, orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { clusterInfo, removedNodes } from "../../client/rules/joining-nodes.ts";
import { localPathNode } from "../../client/rules/local-path.ts";
import { dns1123Subdomain } from "../../client/rules/names.ts";
import { nodeOfRequest } from "../../client/rules/node-requests.ts";
import type { Node, Pod } from "../../client/types.ts";
import { type CommandIo, command, OperatorError } from "../command.ts";
import { connectionFlags } from "../kubectl/flags.ts";
import { createProgress } from "../up/progress.ts";
import { type DrainDeps, evict, isAnswering, planDrain, untilGone } from "./drain.ts";

const flags = {
  ...connectionFlags,
  force: {
    kind: "boolean",
    default: false,
    help: "remove it although pods that nobody makes anew, or volumes that are its folders, are lost",
  },
  "grace-period": {
    kind: "integer",
    value: "SECONDS",
    help: "how long pods have to end; what each says by default",
  },
  timeout: {
    kind: "duration",
    default: 300_000,
    help: "how long to wait for its pods to leave, budgets included",
  },
} as const;

export const nodeRemoveCommand = command({
  name: "node remove",
  summary: "take a node out of the cluster: its pods go elsewhere, its certificate counts no more",
  usage: "NAME",
  words: ["node", "none"],
  flags,
  examples: ["pintle node remove worker-3", "pintle node remove worker-3 --timeout 10m --grace-period 5"],
  async run({ flags: given, words }, io) {
    const [name, ...more] = words;
    if (name === undefined || more.length > 0)
      throw new UsageError("which node? Name one; pintle get nodes shows them");
    if (dns1123Subdomain(name).length > 0)
      throw new OperatorError(`${JSON.stringify(name)} is no name of a node`);
    const client = io.client(given);
    const node = await orAbsent(client.get(resources.nodes, { name }));
    const requests = await requestsOf(client, name);
    if (node === undefined && requests.length === 0)
      throw new OperatorError(`there is no node ${name}; pintle get nodes shows those that there are`);
    const progress = createProgress({
      write: io.stdout,
      isTerminal: process.stdout.isTTY === true,
      monotonicMs: () => performance.now(),
    });
    if (node !== undefined) await drain(client, node, { ...given, io, progress });
    await progress.step("ending its certificate", () => endCertificate(client, name, io));
    await progress.step("removing the node", async () => {
      for (const { metadata } of await requestsOf(client, name))
        await gone(client.delete(resources.certificatesigningrequests, { name: metadata.name }));
      await gone(client.delete(resources.leases, { namespace: "kube-node-lease", name }));
      await gone(client.delete(resources.nodes, { name }));
    });
    io.stdout(`node ${name} removed; on the machine: pintle uninstall agent, or end its agent\n`);
    return 0;
  },
});

interface DrainOptions {
  readonly force: boolean;
  readonly "grace-period": number | undefined;
  readonly timeout: number;
  readonly io: CommandIo;
  readonly progress: ReturnType<typeof createProgress>;
}

async function drain(client: RestClient, node: Node, options: DrainOptions): Promise<void> {
  const { force, timeout, io, progress } = options;
  const { name } = node.metadata;
  const podsNow = async () =>
    (await client.list(resources.pods, { fieldSelector: `spec.nodeName=${name}` })).items;
  if (!force) await refuseLosses(client, name, planDrain(await podsNow()).lost);
  await progress.step("no new pods", () =>
    client.patch(resources.nodes, { name }, { spec: { unschedulable: true } }, { type: "merge" }),
  );
  const limit = AbortSignal.timeout(timeout);
  const deps: DrainDeps = {
    client,
    clock: systemClock,
    signal: AbortSignal.any([limit, io.signal]),
    gracePeriodSeconds: options["grace-period"],
    onKept: ({ metadata }, why) => io.stderr(`  ${metadata.namespace}/${metadata.name} waits: ${why}\n`),
  };
  const plan = planDrain(await podsNow());
  const pods = [...plan.evict, ...plan.lost];
  const where = isAnswering(node) ? "pods leave" : "pods are evicted; the node does not answer";
  try {
    await progress.step(`${where} (${pods.length})`, () =>
      Promise.all(
        pods.map(async (pod) => {
          await evict(pod, deps);
          await untilGone(pod, deps);
        }),
      ),
    );
  } catch (error) {
    if (!limit.aborted) throw error;
    const left = planDrain(await podsNow());
    throw new OperatorError(
      `--timeout: after ${timeout / 1000} s there are still ${namesOf([...left.evict, ...left.lost])}. The node takes no new pods and is still there: ` +
        `try again, or take it back with kubectl uncordon ${name}`,
    );
  }
}

async function refuseLosses(client: RestClient, name: string, lost: readonly Pod[]): Promise<void> {
  if (lost.length > 0)
    throw new OperatorError(`nobody makes these pods anew elsewhere: ${namesOf(lost)}; --force removes them`);
  const { items } = await client.list(resources.persistentvolumes);
  const volumes = items.filter(
    (volume) => localPathNode(volume) === name && volume.spec.claimRef !== undefined,
  );
  if (volumes.length === 0) return;
  const claims = volumes.map(({ spec }) => `${spec.claimRef?.namespace}/${spec.claimRef?.name}`);
  throw new OperatorError(
    `the volumes of these claims are folders of node ${name}: ${claims.join(", ")}; --force removes it, and nobody reaches them any more`,
  );
}

const namesOf = (pods: readonly Pod[]) =>
  pods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(", ") || "none";

/** From now on API servers refuse what the node has; before its Node is deleted, or its agent would make it anew. */
async function endCertificate(client: RestClient, name: string, io: CommandIo): Promise<void> {
  if ((await orAbsent(client.get(resources.configmaps, clusterInfo))) === undefined) {
    io.stderr(
      "  machines do not join this cluster by tokens: the node's certificate holds until it runs out; end its agent\n",
    );
    return;
  }
  const { namespace } = removedNodes;
  // The server's time, as it judges by: what it would stamp on an object now.
  const probe = { metadata: { namespace, generateName: "now-" } };
  const { metadata } = await client.create(resources.configmaps, probe, { dryRun: true });
  const data = { [name]: metadata.creationTimestamp ?? "" };
  const write = () => client.patch(resources.configmaps, removedNodes, { data }, { type: "merge" });
  try {
    await write();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    try {
      await client.create(resources.configmaps, { metadata: { ...removedNodes }, data });
    } catch (raced) {
      if (!isAlreadyExists(raced)) throw raced;
      await write();
    }
  }
}

async function requestsOf(client: RestClient, node: string) {
  const { items } = await client.list(resources.certificatesigningrequests);
  return items.filter(({ spec }) => nodeOfRequest(spec.request) === node);
}

async function gone(deletion: Promise<unknown>): Promise<void> {
  await orAbsent(deletion);
}
