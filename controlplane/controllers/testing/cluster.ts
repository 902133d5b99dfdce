import { execFile } from "node:child_process";
import { parseFlags } from "../../../base/os/flags.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import { InformerFactory } from "../../../client/informer.ts";
import { loadKubeconfig } from "../../../client/kubeconfig.ts";
import type { Stored } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { RestClient } from "../../../client/rest.ts";
import type { KubeObject, Resource } from "../../../client/types.ts";
import type { ApiserverConfig } from "../../apiserver/flags.ts";
import { startTestApiserver, testOs } from "../../apiserver/testing.ts";
import { startControllerManager } from "../controller-manager.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../flags.ts";
import { type FakeKubeletOptions, startFakeKubelet } from "./fake-kubelet.ts";

export interface ClusterOptions {
  /** Of the API server. */
  readonly config?: Partial<ApiserverConfig>;
  /** Flags of the controller-manager beside its kubeconfig. */
  readonly flags?: readonly string[];
  readonly kubelet?: Partial<FakeKubeletOptions>;
  /** Make Node objects of these names (none by default; pods are bound to `node-1` all the same). */
  readonly nodes?: readonly string[];
}

const waitMostMs = 60_000;

/** An API server, a controller-manager and a fake kubelet in this process. */
export async function startTestCluster(options: ClusterOptions = {}) {
  const api = await startTestApiserver(options.config ? { config: options.config } : {});
  const os = testOs();
  const client = new RestClient(loadKubeconfig(api.kubeconfig));
  const nodes = options.nodes ?? [];
  const addNode = async (name: string) => {
    await client.create(resources.nodes, { metadata: { name } });
    const lastTransitionTime = new Date().toISOString();
    const status = { conditions: [{ type: "Ready", status: "True", lastTransitionTime }] };
    await client.patch(resources.nodes, { name }, { status }, { type: "merge", subresource: "status" });
  };
  for (const name of nodes) await addNode(name);
  const kubeconfig = await api.kubeconfigFor("system:kube-controller-manager");
  const startManager = (...flags: string[]) =>
    startControllerManager(
      controllerManagerConfig(
        parseFlags(controllerManagerFlags, [
          `--kubeconfig=${kubeconfig}`,
          "--leader-elect=false",
          ...(options.flags ?? []),
          ...flags,
        ]).flags,
      ),
      testOs(),
    );
  const manager = await startManager();
  const kubelet = startFakeKubelet(client, os, {
    nodes: nodes.length > 0 ? nodes : ["node-1"],
    ...options.kubelet,
  });
  const tasks = new TaskScope(os.log);
  const informers = new InformerFactory(tasks, { client, ...os });
  return {
    api,
    client,
    manager,
    kubelet,
    startManager,
    /** A node that is ready. */
    addNode,
    /** Resolves with what `pick` gives once it gives something, looking at every change of the kind's objects. */
    until<T extends Stored, R>(
      resource: Resource<T>,
      what: string,
      pick: (all: readonly T[]) => R | undefined | false,
    ): Promise<R> {
      const informer = informers.informer(resource);
      return new Promise((resolve, reject) => {
        let stop: () => void = () => undefined;
        const look = () => {
          if (!informer.hasSynced) return;
          const found = pick(informer.list());
          if (found === undefined || found === false) return;
          clearTimeout(timer);
          queueMicrotask(() => stop());
          resolve(found);
        };
        const timer = setTimeout(() => {
          stop();
          const shown = JSON.stringify(informer.list(), undefined, 1).slice(0, 6000);
          reject(new Error(`not within ${waitMostMs} ms: ${what}; there is ${shown}`));
        }, waitMostMs);
        stop = informer.subscribe({ onAdd: look, onUpdate: look, onDelete: look });
        informer.synced(tasks.signal).then(look, reject);
      });
    },
    kubectl: (...args: string[]) =>
      new Promise<string>((resolve, reject) =>
        execFile("kubectl", ["--kubeconfig", api.kubeconfig, ...args], (error, stdout, stderr) =>
          error === null
            ? resolve(stdout)
            : reject(new Error(`kubectl ${args.join(" ")}: ${stderr}${stdout}`)),
        ),
      ),
    /** Fails where the controller-manager was refused something: its rights must be enough for what it does. */
    async stop() {
      const { text } = await api.admin.call("GET", "/metrics");
      const refused = /authorization_attempts_total\{result="no-opinion"\} (\d+)/.exec(text)?.[1] ?? "0";
      await tasks.stop();
      await kubelet.stop();
      await manager.stop();
      client.close();
      await api.stop();
      if (refused !== "0") throw new Error(`${refused} requests were refused for want of rights`);
    },
  };
}

export type TestCluster = Awaited<ReturnType<typeof startTestCluster>>;

/** One line an object, for looking at what went wrong. */
export const namesOf = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name);
