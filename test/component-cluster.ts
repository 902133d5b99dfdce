import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "../base/assert.ts";
import { freePorts } from "../base/os/free-ports.ts";
import { makeFolder } from "../base/os/make-folder.ts";
import type { ClusterPlan } from "../cli/up/cluster-state.ts";
import { prepareCredentials } from "../cli/up/credentials.ts";
import { clusterLayout } from "../cli/up/layout.ts";
import { ensureLocalPathClass } from "../cli/up/local-path-class.ts";
import { addressing, components, port, portNames } from "../cli/up/topology.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import { resources } from "../client/resources.ts";
import { RestClient } from "../client/rest.ts";
import { KeptProcess } from "./kept-process.ts";
import { eventually } from "./local-cluster.ts";
import { isReady } from "./rollout-witness.ts";

/** A cluster of one process a component and of three store members, as `pintle up` starts them, on simulated nodes. Each
 *  component is started again when it dies. */
export interface ComponentCluster {
  readonly kubeconfig: string;
  readonly client: RestClient;
  readonly components: ReadonlyMap<string, KeptProcess>;
  /** Resolves with the name of the member that leads the store. */
  storeLeader(): Promise<string>;
  /** Resolves with the name of a member that does not. */
  storeFollower(): Promise<string>;
  stop(): Promise<void>;
}

export interface ComponentClusterOptions {
  readonly nodes: number;
  readonly zones: number;
  /** How long what takes on the nodes, as `--simulate-stages` reads it. */
  readonly stages: string;
}

/** One of each that decides: whoever is killed is missed until it is back. */
const single = "--leader-elect=false";
const extraFlags: Readonly<Record<string, readonly string[]>> = {
  "scheduler-1": [single],
  "controller-manager-1": [single, "--horizontal-pod-autoscaler-sync-period=1s"],
};

export async function startComponentCluster(options: ComponentClusterOptions): Promise<ComponentCluster> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-components-"));
  const layout = clusterLayout(folder);
  const size = { replicas: 3, nodes: 0 };
  const names = portNames(size);
  const found = await freePorts(names.length);
  const ports = Object.fromEntries(names.map((name, at) => [name, found[at] ?? 0]));
  const plan: ClusterPlan = { ...size, runtime: "process", networkSlot: 0, ports };
  const url = `https://127.0.0.1:${port(plan, "api-1")}`;
  await makeFolder(layout.logs, 0o700);
  await prepareCredentials(layout, {
    nodes: [],
    apiAddresses: ["127.0.0.1"],
    apiUrls: [url],
    internalApiUrls: [url],
    kubernetesServiceIp: addressing(plan).serviceRange.replace(/\.0\/\d+$/, ".1"),
  });
  const stages = join(folder, "stages.yaml");
  await writeFile(stages, options.stages);
  const agent = [
    "agent",
    `--simulate=${options.nodes}`,
    `--simulate-zones=${options.zones}`,
    `--simulate-stages=${stages}`,
    "--node-name=sim",
    `--kubeconfig=${layout.kubeconfig}`,
  ];
  const kept = new Map<string, KeptProcess>();
  for (const { name, argv } of components(plan, layout))
    if (!name.endsWith("-2") || name.startsWith("store"))
      kept.set(name, new KeptProcess([...argv, ...(extraFlags[name] ?? [])]));
  kept.set("agent", new KeptProcess(agent));
  const client = new RestClient(loadKubeconfig(layout.kubeconfig));
  const stop = async () => {
    client.close();
    await Promise.all([...kept.values()].map((one) => one.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await eventually(
      "all nodes are ready",
      async () => (await client.list(resources.nodes)).items.filter(isReady).length,
      (ready) => ready === options.nodes,
    );
    await ensureLocalPathClass(client);
  } catch (error) {
    await stop();
    throw error;
  }
  const members = Array.from({ length: size.replicas }, (_, at) => `store-${at + 1}`);
  const leads = async (member: string) => {
    const metricsPort = port(plan, member.replace("store-", "store-metrics-"));
    const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    return /^etcd_server_is_leader 1$/m.test(await metrics.text());
  };
  const storeLeader = () =>
    eventually(
      "a member leads the store",
      async () => {
        for (const member of members) if (await leads(member)) return member;
        return "";
      },
      (leader) => leader !== "",
    );
  const storeFollower = async () => {
    const leader = await storeLeader();
    const follower = members.find((member) => member !== leader);
    assert(follower !== undefined, "a store of several members has followers");
    return follower;
  };
  return {
    kubeconfig: layout.kubeconfig,
    client,
    components: kept,
    storeLeader,
    storeFollower,
    stop,
  };
}
