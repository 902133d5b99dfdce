import { join } from "node:path";
import { type PodBehaviour, PodBehaviours } from "../agent/simulate/pod-behaviour.ts";
import { simulatedPort } from "../agent/simulate/simulate.ts";
import type { Stage } from "../agent/simulate/stages.ts";
import { systemClock } from "../base/os/clock.ts";
import { systemDisk } from "../base/os/disk.ts";
import { createLog, type Log, silentLog } from "../base/os/log.ts";
import { MetricsRegistry } from "../base/os/metrics.ts";
import { MovableClock } from "../base/os/movable-clock.ts";
import type { Os, Running } from "../base/os/os.ts";
import { ownWallMs } from "../base/os/own-timers.ts";
import { Prng, type Random, systemRandom } from "../base/os/random.ts";
import { shown } from "../base/shown.ts";
import type { RestClient } from "../client/rest.ts";
import type { User } from "../controlplane/apiserver/filters/authentication.ts";
import type { Within } from "../controlplane/apiserver/reach/within.ts";
import { ApiServer } from "./api-server.ts";
import { optionProblems } from "./check-options.ts";
import { checkReal } from "./check-real.ts";
import type { Cluster } from "./cluster.ts";
import { simulatedNetwork } from "./cluster-network.ts";
import type { Component } from "./cluster-parts.ts";
import { type ClusterCredentials, makeCredentials } from "./credentials.ts";
import { PlacedFaults } from "./faults.ts";
import { controllerManagerUser, schedulerUser } from "./identities.ts";
import { keptCredentials } from "./kept-credentials.ts";
import { LocalServer } from "./local/local-server.ts";
import { isReal, machinesOf, type NodeMachine, type NodeOptions, nodeList } from "./node-options.ts";
import { startControllers, startNodes, startScheduler } from "./parts.ts";
import { quietOf } from "./quiet.ts";
import type { RealNodes } from "./real/real-nodes.ts";
import { asked, RequestRecord } from "./requests.ts";
import { RunningCluster } from "./running-cluster.ts";
import { type ClusterStore, folderStore, memoryStore } from "./store/cluster-store.ts";
import { HookTable } from "./webhooks/hook-table.ts";

/** How a cluster is to be. */
export interface ClusterOptions {
  /** How many nodes, or what each of them is; 1 unless said. */
  readonly nodes?: number | readonly NodeOptions[];
  /** What happens to pods: how long their images take, what fails, when they end. `[{ image: "slow:*", pull: "3s" }]`. What is not
   *  said takes no time and goes well. */
  readonly pods?: readonly PodBehaviour[];
  /** The same as kwok's Stages have it; the first that fits counts. */
  readonly stages?: readonly Stage[];
  /** Where the cluster's data lies: another cluster that is started there later goes on with it. One at a time. Without it
   *  everything is in memory. Its store goes by the machine's clock, so that a run does not repeat exactly. */
  readonly folder?: string;
  /** How many schedulers and controller managers; one each unless said. Of several one leads, and the others stand by. */
  readonly replicas?: { readonly scheduler?: number; readonly "controller-manager"?: number };
  /** `real`: time passes by itself, and can be moved on. `manual`: it stands still unless it is moved, or something is waited
   *  for. */
  readonly clock?: "real" | "manual";
  /** What the clock shows at first; now, or, of one that stands still and no folder, 2026-01-01T00:00:00Z. */
  readonly startAt?: Date;
  /** From which all chance comes; the system's unless given. With a manual clock a run repeats exactly. */
  readonly seed?: number;
  /** What the parts say, at this level and above, on standard error; nothing unless given. */
  readonly log?: "debug" | "info" | "warn" | "error";
}

/** Starts a cluster in this process: store, API server, scheduler, controllers and nodes, without a socket or a process between
 *  them. Resolves when pods can be made and all nodes are ready. Stop it, or let `await using` do so.
 *
 *  ```ts
 *  await using cluster = await startCluster({ nodes: 2 });
 *  await cluster.apply(deployment);
 *  await cluster.untilReady(deployment);
 *  ```
 *
 *  Rejects with TypeError for options, one line for each thing that is wrong, and where a folder is of no use, or of another
 *  cluster that runs. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const problems = optionProblems(options);
  if (problems.length > 0) throw new TypeError(problems.join("\n"));
  const { nodes = 1 } = options;
  const machines = machinesOf(nodeList(nodes));
  checkReal(options, machines);
  const real = await openReal(options, machines);
  let cluster: RunningCluster | undefined;
  try {
    cluster = await composeCluster(options, machines, real);
    await cluster.start();
    return cluster;
  } catch (error) {
    await (cluster?.stop() ?? real?.close());
    throw error;
  }
}

/** What it has, and none of it running. */
async function composeCluster(
  options: ClusterOptions,
  machines: ReadonlyMap<string, NodeMachine>,
  real: RealNodes | undefined,
): Promise<RunningCluster> {
  const { pods = [], stages = [], seed, replicas = {}, folder } = options;
  const network = real?.network ?? simulatedNetwork;
  const isManual = options.clock === "manual";
  const local = new LocalServer();
  const startMs =
    options.startAt?.getTime() ?? (isManual && folder === undefined ? Date.UTC(2026, 0, 1) : ownWallMs());
  const clock = new MovableClock(
    { runs: !isManual, startMs, ...(real && { heldBy }) },
    quietOf(
      () => local.passed,
      () => store.isUnderWay,
    ),
  );
  const random: Random = seed === undefined ? systemRandom : new Prng(seed);
  const log: Log = options.log === undefined ? silentLog : createLog({ format: "text", level: options.log });
  const os = (name: string): Os => ({
    clock,
    random,
    disk: systemDisk,
    log: log.child(name),
    metrics: new MetricsRegistry(),
  });
  const kept = folder === undefined ? undefined : await openFolder(folder, os("store"));
  const store = kept?.store ?? memoryStore(clock);
  const credentials = kept?.credentials ?? (await makeCredentials(network));
  const requests = new RequestRecord(clock);
  const faults = new PlacedFaults({ clock, random }, requests, (isMeant) => {
    const meant = [...local.open].filter(({ caller, request }) => isMeant(asked(caller, request)));
    for (const { response } of meant) response.destroy();
    return meant.length;
  });
  const components = new Map<string, Component>();
  const addReplicas = (
    group: "scheduler" | "controller-manager",
    user: User,
    start: (client: RestClient, os: Os, identity?: string) => Running,
  ) => {
    const count = replicas[group] ?? 1;
    for (let at = 1; at <= count; at++) {
      const name = count === 1 ? group : `${group}-${at}`;
      const identity = count === 1 ? undefined : name;
      components.set(name, { group, user, start: (client) => start(client, os(name), identity) });
    }
  };
  addReplicas("scheduler", schedulerUser, startScheduler);
  addReplicas("controller-manager", controllerManagerUser, (client, os, identity) =>
    startControllers({ credentials, network }, client, os, identity),
  );
  const behaviours = new PodBehaviours(pods);
  const hooks = new HookTable();
  const within: Within = {
    node: (_host, port) => (port === simulatedPort ? cluster.connectNode() : undefined),
    hook: (url) => hooks.find(url, () => local.pass()),
  };
  const apiServer = new ApiServer(credentials, store.storage, {
    ...{ local, within, network },
    os: () => os("apiserver"),
  });
  const cluster: RunningCluster = new RunningCluster({
    os,
    clock,
    isManual,
    store,
    credentials,
    local,
    apiServer,
    faults,
    requests,
    hooks,
    behaviours,
    components,
    nodes: {
      machines,
      real,
      simulate: (machines, client) => startNodes({ machines, stages, behaviours }, client, os("nodes")),
      startReal: async (machine) => real?.add(machine, credentials, apiServer.urlOfNodes),
    },
  });
  return cluster;
}

const heldBy = "this cluster began with a real node, whose processes live in the machine's time";

/** Loads what real nodes need only where there are some. */
async function openReal(
  { log }: ClusterOptions,
  machines: ReadonlyMap<string, NodeMachine>,
): Promise<RealNodes | undefined> {
  const first = [...machines.values()].find(isReal);
  if (first === undefined) return undefined;
  const { RealNodes } = await import("./real/real-nodes.ts");
  return RealNodes.open(first.runtime, {
    log: log === undefined ? silentLog : createLog({ format: "text", level: log }).child("nodes"),
    logLevel: log,
  });
}

/** What a folder holds: first the store, which only one cluster can have, and then what goes with it. */
async function openFolder(
  folder: string,
  os: Os,
): Promise<{ readonly store: ClusterStore; readonly credentials: ClusterCredentials }> {
  const failed = (cause: unknown) =>
    new Error(
      `folder: ${shown(folder)} cannot hold this cluster's data: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  const store = await folderStore(join(folder, "store"), { ...os, clock: systemClock }).catch((error) => {
    throw failed(error);
  });
  try {
    return { store, credentials: await keptCredentials(folder, makeCredentials) };
  } catch (error) {
    await store.close();
    throw failed(error);
  }
}
