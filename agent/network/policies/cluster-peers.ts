import { deferred } from "../../../base/deferred.ts";
import type { Log } from "../../../base/os/log.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import type { InformerFactory } from "../../../client/informer.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { Namespace, Pod } from "../../../client/types.ts";
import type { IpFamily } from "../ip-family.ts";
import { peerOf, smallPod } from "./policy-pod.ts";
import type { PolicyTable } from "./policy-table.ts";

export interface ClusterPeersConfig {
  readonly nodeName: string;
  readonly clusterCidr?: string;
  /** IPv4 where it is not said. */
  readonly family?: IpFamily;
}

export interface ClusterPeersParts {
  readonly table: PolicyTable;
  readonly informers: InformerFactory;
  readonly log: Log;
  /** The table may be another now. */
  readonly onChange: () => void;
}

/** Follows the namespaces and the other nodes' pods into the table, until it is ended: only as long as there
 *  is a policy. Pods without an address of their own, and those that have ended, are not sent to us. */
export class ClusterPeers {
  readonly #config: ClusterPeersConfig;
  readonly #parts: ClusterPeersParts;
  readonly #settled = deferred<void>();
  readonly #ended = deferred<void>();
  #hasSynced = false;
  #forget: () => void = () => undefined;

  constructor(config: ClusterPeersConfig, parts: ClusterPeersParts) {
    this.#config = config;
    this.#parts = parts;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves once all is known, or at the end. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Follows until it is ended, or the signal aborts. Rejects when following failed. */
  async run(signal: AbortSignal): Promise<void> {
    const tasks = new TaskScope(this.#parts.log);
    tasks.untilStopped().then(this.#ended.resolve, this.#ended.reject);
    this.#follow(tasks);
    try {
      await unlessAborted(this.#ended.promise, signal);
    } finally {
      await tasks.stop();
    }
  }

  /** Takes what it followed out of the table again. */
  end(): void {
    this.#forget();
    this.#settled.resolve();
    this.#ended.resolve();
  }

  #follow(tasks: TaskScope): void {
    const { nodeName, clusterCidr, family } = this.#config;
    const { table, informers, onChange } = this.#parts;
    const pods = informers.ownInformer(tasks, resources.pods, {
      fieldSelector: [
        `spec.nodeName!=${nodeName}`,
        "spec.nodeName!=",
        "spec.hostNetwork=false",
        "status.phase!=Succeeded",
        "status.phase!=Failed",
      ].join(),
      keep: smallPod,
    });
    const namespaces = informers.ownInformer(tasks, resources.namespaces, {});
    const putPod = (pod: Pod) => {
      const peer = pod.spec.nodeName === nodeName ? undefined : peerOf(pod, clusterCidr, family);
      if (peer === undefined) table.removePeer(keyOf(pod));
      else table.putPeer(keyOf(pod), peer);
      onChange();
    };
    const removePod = (pod: Pod) => {
      table.removePeer(keyOf(pod));
      onChange();
    };
    const putNamespace = ({ metadata }: Namespace) => {
      table.putNamespace(metadata.name, metadata.labels ?? {});
      onChange();
    };
    const removeNamespace = ({ metadata }: Namespace) => {
      table.removeNamespace(metadata.name);
      onChange();
    };
    const off = [
      pods.subscribe({ onAdd: putPod, onUpdate: putPod, onDelete: removePod }),
      namespaces.subscribe({ onAdd: putNamespace, onUpdate: putNamespace, onDelete: removeNamespace }),
    ];
    this.#forget = () => {
      for (const one of off) one();
      for (const pod of pods.list()) table.removePeer(keyOf(pod));
      for (const { metadata } of namespaces.list()) table.removeNamespace(metadata.name);
    };
    tasks.run("cluster peers", async (signal) => {
      await Promise.all([pods.synced(signal), namespaces.synced(signal)]);
      this.#hasSynced = true;
      this.#settled.resolve();
    });
  }
}
