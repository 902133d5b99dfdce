import type { Stage } from "../agent/simulate/stages.ts";
import { systemDisk } from "../base/os/disk.ts";
import { createLog, type Log, silentLog } from "../base/os/log.ts";
import { MetricsRegistry } from "../base/os/metrics.ts";
import type { Os } from "../base/os/os.ts";
import { Prng, type Random, systemRandom } from "../base/os/random.ts";
import { MemoryStorage } from "../controlplane/apiserver/registry/memory-storage.ts";
import { ApiServer } from "./api-server.ts";
import { Cluster, type Component } from "./cluster.ts";
import { ClusterClock } from "./cluster-clock.ts";
import { makeCredentials } from "./credentials.ts";
import { Faults } from "./faults.ts";
import { controllerManagerUser, schedulerUser } from "./identities.ts";
import { LocalServer } from "./local/local-server.ts";
import { type NodeSize, startControllers, startNodes, startScheduler } from "./parts.ts";
import { quietOf } from "./quiet.ts";
import { asked, RequestRecord } from "./requests.ts";

export interface ClusterOptions {
  /** How many nodes, named `node-1` and so on; 1 unless said. */
  readonly nodes?: number;
  /** What each of them has. */
  readonly nodeSize?: Partial<NodeSize>;
  /** How long what takes on the nodes, and what fails; the first that fits counts. By default nothing takes any time. */
  readonly stages?: readonly Stage[];
  /** `real`: time passes by itself, and can be moved on. `manual`: it stands still unless it is moved, or something is waited
   *  for. */
  readonly clock?: "real" | "manual";
  /** What the clock shows at first; now, or, of one that stands still, 2026-01-01T00:00:00Z. */
  readonly startAt?: Date;
  /** From which all chance comes; the system's unless given. With a manual clock a run repeats exactly. */
  readonly seed?: number;
  /** What the parts say, at this level and above, on standard error; nothing unless given. */
  readonly log?: "debug" | "info" | "warn" | "error";
}

/** Starts a cluster in this process: store, API server, scheduler, controllers and nodes, without a socket or a process between
 *  them. Resolves when pods can be made and all nodes are ready. Stop it, or let `await using` do so. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { nodes: count = 1, nodeSize, stages = [], seed } = options;
  if (!Number.isInteger(count) || count < 0) throw new TypeError(`nodes: ${count} is no number of nodes`);
  const isManual = options.clock === "manual";
  const local = new LocalServer();
  const startMs = options.startAt?.getTime() ?? (isManual ? Date.UTC(2026, 0, 1) : Date.now());
  const clock = new ClusterClock(
    { runs: !isManual, startMs },
    quietOf(() => local.passed),
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
  const credentials = await makeCredentials();
  const storage = new MemoryStorage(clock);
  const requests = new RequestRecord(clock);
  const faults = new Faults({ clock, random }, requests, (isMeant) => {
    const meant = [...local.open].filter(({ caller, request }) => isMeant(asked(caller, request)));
    for (const { response } of meant) response.destroy();
    return meant.length;
  });
  const components = new Map<string, Component>([
    ["scheduler", { user: schedulerUser, start: (client) => startScheduler(client, os("scheduler")) }],
    [
      "controller-manager",
      {
        user: controllerManagerUser,
        start: (client) => startControllers(credentials, client, os("controller-manager")),
      },
    ],
  ]);
  const size = { cpus: 8, memory: "32Gi", ...nodeSize };
  const cluster = new Cluster({
    os,
    clock,
    isManual,
    storage,
    credentials,
    local,
    apiServer: new ApiServer(credentials, storage, local, () => os("apiserver")),
    faults,
    requests,
    components,
    nodes: {
      names: Array.from({ length: count }, (_, at) => `node-${at + 1}`),
      start: (client) => startNodes({ count, size, stages }, client, os("nodes")),
    },
  });
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}
