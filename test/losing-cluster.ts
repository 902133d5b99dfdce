import assert from "node:assert/strict";
import { agentFlags } from "../agent/flags.ts";
import { simulationConfig, simulationFlags } from "../agent/simulate/flags.ts";
import { simulate } from "../agent/simulate/simulate.ts";
import { readMachine } from "../agent/status/machine.ts";
import { systemClock } from "../base/os/clock.ts";
import { parseFlags } from "../base/os/flags.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { ensureLocalPathClass } from "../cli/up/local-path-class.ts";
import { readerOf } from "../cli/why/reader.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import { resources } from "../client/resources.ts";
import { RestClient } from "../client/rest.ts";
import type { Node, Pod } from "../client/types.ts";
import { explainPod } from "../client/why/explain-pod.ts";
import { gather } from "../client/why/gather.ts";
import { isReadyNode } from "../client/why/nodes.ts";
import { findingsText } from "../client/why/text.ts";
import { startTestApiserver, testOs } from "../controlplane/apiserver/testing.ts";
import { startControllerManager } from "../controlplane/controllers/controller-manager.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../controlplane/controllers/flags.ts";
import { defaultProfile } from "../controlplane/scheduler/config/make-profiles.ts";
import { queueLimits } from "../controlplane/scheduler/queue.ts";
import { startScheduler } from "../controlplane/scheduler/scheduler.ts";
import { objectsOf } from "./cluster-objects.ts";
import { eventually } from "./local-cluster.ts";
import { speedyClock } from "./speedy-clock.ts";

/** The simulated node whose agent stops for good. */
export const lostNode = "lost-1";

/** A cluster of this process on three simulated nodes, one of which is to be lost. Minutes pass in seconds, except for the API
 *  server and the scheduler. */
export interface LosingCluster {
  readonly kubeconfig: string;
  readonly client: RestClient;
  /** What it had, in `objectsOf`'s words, before the node that is to be lost. */
  readonly empty: readonly string[];
  /** Resolves once the agent of `lostNode` has stopped; its node object stays. */
  lose(): Promise<void>;
  /** What `pintle why` says of a pod a minute later. */
  why(pod: Pod): Promise<string>;
  stop(): Promise<void>;
}

/** Starts it with these namespaces, none of whose own objects are missing. */
export async function startLosingCluster(namespaces: readonly string[]): Promise<LosingCluster> {
  const os = { ...testOs(), clock: speedyClock(20) };
  const staying = new TaskScope(os.log);
  const going = new TaskScope(os.log);
  const api = await startTestApiserver();
  const client = new RestClient(loadKubeconfig(api.kubeconfig));
  /** Of what was started, in that order. */
  const stops: (() => Promise<void>)[] = [api.stop, async () => client.close()];
  const stop = async () => {
    for (const one of stops.reverse()) await one();
  };

  async function addNodes(name: string, count: number, tasks: TaskScope): Promise<void> {
    const words = [`--node-name=${name}`, `--simulate=${count}`];
    const config = simulationConfig(
      parseFlags({ ...agentFlags, ...simulationFlags }, words, { env: {} }).flags,
    );
    assert.ok(config);
    simulate(config, { client, tasks, machine: await readMachine("/"), os });
    await eventually(
      `nodes ${name} are ready`,
      () => client.list(resources.nodes),
      ({ items }) =>
        items.filter((node) => node.metadata.name.startsWith(`${name}-`) && isOpen(node)).length === count,
    );
  }
  const why = async (pod: Pod) => {
    const nowMs = systemClock.wallMs() + 60_000;
    const { signal } = new AbortController();
    const { result } = await gather(readerOf(client), (facts) => explainPod(pod, facts), { nowMs, signal });
    return findingsText("pod", result);
  };

  try {
    const flags = [
      `--kubeconfig=${await api.kubeconfigFor("system:kube-controller-manager")}`,
      "--leader-elect=false",
      "--node-monitor-grace-period=120s",
    ];
    const config = controllerManagerConfig(parseFlags(controllerManagerFlags, flags).flags);
    stops.push((await startControllerManager(config, os)).stop);
    const scheduler = await startScheduler(
      {
        api: loadKubeconfig(await api.kubeconfigFor("system:kube-scheduler")),
        serve: { addresses: ["127.0.0.1"], port: 0 },
        election: undefined,
        profiles: [defaultProfile("default-scheduler")],
        extenders: [],
        backoff: queueLimits.backoff,
        pluginFiles: [],
      },
      testOs(),
    );
    stops.push(
      scheduler.stop,
      () => staying.stop(),
      () => going.stop(),
    );
    await ensureLocalPathClass(client);
    for (const name of namespaces) await client.create(resources.namespaces, { metadata: { name } });
    await addNodes("stays", 2, staying);
    const empty = await eventually(
      "all is there that an empty cluster has",
      () => objectsOf(client),
      (all) => namespaces.every((name) => all.filter((one) => one.includes(` ${name}/`)).length === 2),
    );
    await addNodes("lost", 1, going);
    return { kubeconfig: api.kubeconfig, client, empty, lose: () => going.stop(), why, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ready, and nothing keeps pods off it. */
const isOpen = (node: Node): boolean => (node.spec?.taints ?? []).length === 0 && isReadyNode(node);
