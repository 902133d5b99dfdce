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

/** The table of one family that pods have. */
export interface PolicySide {
  readonly family: IpFamily;
  readonly clusterCidr?: string;
  readonly table: PolicyTable;
}

export interface ClusterPeersParts {
  readonly informers: InformerFactory;
  readonly log: Log;
  /** The tables may be others now. */
  readonly onChange: () => void;
}

/** Follows the namespaces and the other nodes' pods into the tables, until it is ended: only as long as there
 *  is a policy. Pods without an address of their own, and those that have ended, are not sent to us. */
export class ClusterPeers {
  readonly #nodeName: string;
  readonly #sides: readonly PolicySide[];
  readonly #parts: ClusterPeersParts;
  readonly #ended = deferred<void>();
  #hasSynced = false;
  #forget: () => void = () => undefined;

  constructor(nodeName: string, sides: readonly PolicySide[], parts: ClusterPeersParts) {
    this.#nodeName = nodeName;
    this.#sides = sides;
    this.#parts = parts;
  }

  /** Whether all is known. */
  get hasSynced(): boolean {
    return this.#hasSynced;
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

  /** Takes what it followed out of the tables again. */
  end(): void {
    this.#forget();
    this.#ended.resolve();
  }

  #follow(tasks: TaskScope): void {
    const { informers, onChange } = this.#parts;
    const nodeName = this.#nodeName;
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
    const tables = this.#sides.map(({ table }) => table);
    const putPod = (pod: Pod) => {
      for (const { table, clusterCidr, family } of this.#sides) {
        const peer = pod.spec.nodeName === nodeName ? undefined : peerOf(pod, clusterCidr, family);
        if (peer === undefined) table.removePeer(keyOf(pod));
        else table.putPeer(keyOf(pod), peer);
      }
      onChange();
    };
    const removePod = (pod: Pod) => {
      for (const table of tables) table.removePeer(keyOf(pod));
      onChange();
    };
    const putNamespace = ({ metadata }: Namespace) => {
      for (const table of tables) table.putNamespace(metadata.name, metadata.labels ?? {});
      onChange();
    };
    const removeNamespace = ({ metadata }: Namespace) => {
      for (const table of tables) table.removeNamespace(metadata.name);
      onChange();
    };
    const off = [
      pods.subscribe({ onAdd: putPod, onUpdate: putPod, onDelete: removePod }),
      namespaces.subscribe({ onAdd: putNamespace, onUpdate: putNamespace, onDelete: removeNamespace }),
    ];
    this.#forget = () => {
      for (const one of off) one();
      for (const pod of pods.list()) removePod(pod);
      for (const namespace of namespaces.list()) removeNamespace(namespace);
    };
    tasks.run("cluster peers", async (signal) => {
      await Promise.all([pods.synced(signal), namespaces.synced(signal)]);
      this.#hasSynced = true;
      onChange();
    });
  }
}
