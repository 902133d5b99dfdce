import { pathToFileURL } from "node:url";
import type { KubeClient } from "../../client/kube/kube-client.ts";

/** What one client does for the same end as the other. */
export interface Side {
  /** All pods at once; how many there are. */
  list(): Promise<number>;
  /** A cache of all pods, that has synced: how many it holds. It stays until the process ends. */
  cache(): Promise<number>;
  /** Reads so many changes of pods since a revision. */
  watch(resourceVersion: string, events: number): Promise<void>;
  create(name: string): Promise<void>;
}

export type SideName = "pintle" | "client-node";

/** The client as a program gets it: ours as it is built. */
export async function openSide(name: SideName, kubeconfig: string, root: string): Promise<Side> {
  return name === "pintle" ? openPintle(kubeconfig, root) : openClientNode(kubeconfig);
}

interface Library {
  connectCluster(options: { kubeconfig: string }): KubeClient;
  Informers: typeof import("../../client/kube/informers.ts").Informers;
  kinds: typeof import("../../client/kube/kinds.ts").kinds;
}

async function openPintle(kubeconfig: string, root: string): Promise<Side> {
  const built = pathToFileURL(`${root}/dist/lib/client.js`).href;
  const { connectCluster, Informers, kinds } = (await import(built)) as Library;
  const api = connectCluster({ kubeconfig });
  return {
    list: async () => (await api.list(kinds.Pod)).items.length,
    async cache() {
      const informers = new Informers(api);
      const pods = informers.of(kinds.Pod);
      await informers.synced();
      return pods.size;
    },
    async watch(resourceVersion, events) {
      const end = new AbortController();
      let seen = 0;
      for await (const event of api.rest.watch(kinds.Pod, { resourceVersion }, end.signal))
        if (event.type === "MODIFIED" && ++seen === events) break;
    },
    async create(name) {
      await api.create(kinds.ConfigMap, { metadata: { name, namespace: "default" }, data: { name } });
    },
  };
}

async function openClientNode(kubeconfig: string): Promise<Side> {
  const { CoreV1Api, KubeConfig, makeInformer, Watch } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const path = "/api/v1/pods";
  return {
    list: async () => (await api.listPodForAllNamespaces()).items.length,
    async cache() {
      const informer = makeInformer(config, path, () => api.listPodForAllNamespaces());
      await informer.start();
      return informer.list().length;
    },
    watch(resourceVersion, events) {
      return new Promise((resolve, reject) => {
        let seen = 0;
        const onEvent = (phase: string) => {
          if (phase === "MODIFIED" && ++seen === events) {
            resolve();
            request.then((controller) => controller.abort(), reject);
          }
        };
        const onDone = (error: unknown) => {
          if (seen < events) reject(error ?? new Error(`the watch ended after ${seen} events`));
        };
        const request = new Watch(config).watch(path, { resourceVersion }, onEvent, onDone);
        request.catch(reject);
      });
    },
    async create(name) {
      const body = { metadata: { name }, data: { name } };
      await api.createNamespacedConfigMap({ namespace: "default", body });
    },
  };
}
