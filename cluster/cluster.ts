import type { PodBehaviour } from "../agent/simulate/pod-behaviour.ts";
import type { Duration } from "../base/duration.ts";
import type { Kind } from "../client/kube/define-kind.ts";
import type { KubeClient } from "../client/kube/kube-client.ts";
import type { AnyManifest } from "../client/kube/manifest.ts";
import type { Stored } from "../client/object-cache.ts";
import type { KubeObject } from "../client/types.ts";
import type { ClusterClock } from "./cluster-clock.ts";
import type { ClusterEvents } from "./events.ts";
import type { Faults } from "./faults.ts";
import type { Manifests } from "./manifests.ts";
import type { NodeOptions } from "./node-options.ts";
import type { Requests } from "./requests.ts";
import type { Snapshot } from "./snapshot.ts";
import type { UntilOptions } from "./until.ts";
import type { Webhook, WebhookOptions } from "./webhooks/admission-webhook.ts";
import type { ConvertObject } from "./webhooks/conversion.ts";
import type { AnswerReview } from "./webhooks/hook-table.ts";

/** A file and its text, for programs outside of this process. */
export interface Kubeconfig {
  /** Of a file that goes with the cluster. */
  readonly path: string;
  readonly text: string;
  /** Where the API server listens, such as `https://127.0.0.1:40123`. */
  readonly url: string;
}

/** What a node finds wrong with itself; what is absent is well. */
export interface NodeTroubles {
  /** Why it is not ready: the message of its condition `Ready`. */
  readonly notReady?: string;
  readonly memoryPressure?: boolean;
  readonly diskPressure?: boolean;
  readonly pidPressure?: boolean;
}

/** Who a client is, beside its user. */
export interface ClientOptions {
  /** Beside `system:authenticated`, and a service account's own. */
  readonly groups?: readonly string[];
  /** What its requests are recorded by, and what faults call it; the user's name unless given. */
  readonly name?: string;
  /** Who it applies as; its `name` unless given. */
  readonly fieldManager?: string;
  /** What it applies takes fields over from others, where a call does not say; false unless given. */
  readonly force?: boolean;
}

/** A whole cluster in this process, started by `startCluster`. Errors in what it is given are TypeErrors that name the field, its
 *  value and the rule. `await using` stops it, also where a test fails. */
export interface Cluster extends AsyncDisposable {
  /** The administrator's client, as `pintle/client` has it for any cluster, within this process. What it applies holds: it takes
   *  fields over from whoever had them, where a call does not say otherwise. */
  readonly client: KubeClient;
  /** The time of everything in the cluster. */
  readonly clock: ClusterClock;
  /** What goes wrong with requests. */
  readonly faults: Faults;
  /** The requests that were made. */
  readonly requests: Requests;
  /** The events as they came. */
  readonly events: ClusterEvents;

  /** A client with the rights of this user, by RBAC, such as the program under test has. What waits by it does not move a clock
   *  that stands still: `client` and the waits of the cluster do. Closed with the cluster. */
  clientFor(user: string, options?: ClientOptions): KubeClient;

  /** Opens the API server's HTTPS port on the loopback, unless it is open, and writes a kubeconfig for this user, who may do
   *  everything unless said otherwise. The file goes with the cluster. */
  kubeconfig(user?: string, groups?: readonly string[]): Promise<Kubeconfig>;

  /** Applies manifests in their order: one, a list, or YAML text of one document or more. What defines a kind is waited for.
   *  Resolves with the objects as they are then. Rejects with ApiError for what the API refuses. */
  apply<T extends Manifests>(manifests: T): Promise<readonly KubeObject[]>;

  /** Resolves with what `find` finds among the objects of a kind, as soon as a change makes it find something: nobody polls. A
   *  clock that stands still is moved from one timer to the next meanwhile. Rejects with TimeoutError after 30 s unless said
   *  otherwise, which tells what there is and what controllers of yours warned of, and with what `find` throws. */
  until<T extends Stored, R>(
    kind: Kind<T>,
    find: (objects: readonly T[]) => R | undefined | false | null,
    options?: UntilOptions,
  ): Promise<R>;

  /** Resolves with the object once it is there and ready, as `kubectl wait` and `kubectl rollout status` would say, and for kinds
   *  that they do not know as `isReady` says. Rejects with TimeoutError, which tells its state and its events, and warnings about
   *  others of its namespace, such as its pods. */
  untilReady<T extends AnyManifest>(object: T, options?: Pick<UntilOptions, "timeout">): Promise<KubeObject>;
  /** The same for several: a list, or YAML text. */
  untilReady<T extends Manifests>(
    objects: T,
    options?: Pick<UntilOptions, "timeout">,
  ): Promise<readonly KubeObject[]>;

  /** Resolves once none of these objects is there any more. Of what is given with a uid, another of the same name does not count.
   *  Rejects with TimeoutError, which tells what holds them: finalizers. */
  untilGone<T extends Manifests>(objects: T, options?: Pick<UntilOptions, "timeout">): Promise<void>;

  /** What happens to pods from now on, before what was said of them until now; to those that run, too. Answers how to end it. */
  script(behaviour: PodBehaviour | readonly PodBehaviour[]): { remove(): void };

  /** Has a function validate or change what is asked of the API, as a webhook that is called within the process; its configuration
   *  stands in the API like any other. Resolves once it is asked.
   *
   *  ```ts
   *  const hasTeam = ({ object }: AdmissionRequest) => object?.metadata.labels?.team !== undefined;
   *  await cluster.webhook({ rules: [{ resources: ["pods"] }], validate: hasTeam });
   *  ```
   */
  webhook<T = KubeObject>(options: WebhookOptions<T>): Promise<Webhook>;

  /** Has a function convert objects of a defined kind between its versions.
   *  @param definition Its CustomResourceDefinition's name, such as `things.example.com`. */
  convert(definition: string, convert: ConvertObject): Promise<void>;

  /** Answers for a Service that webhooks of applied manifests lead to (`clientConfig.service`): the function gets the review that
   *  is posted and its URL, and answers a review. Certificates do not matter.
   *  @param service `NAMESPACE/NAME`, with `:PORT` where that is not 443. */
  answerWebhooks(service: string, answer: AnswerReview): void;

  /** The names of the nodes that the cluster runs. */
  readonly nodes: readonly string[];

  /** Adds a node. Resolves with its name once it is ready. */
  addNode(options?: NodeOptions): Promise<string>;

  /** Takes a node away: it is cordoned, its pods are evicted, as `kubectl drain --ignore-daemonsets` does, which waits for
   *  disruption budgets, and its object is deleted. With `drain: false` the machine just vanishes, and its object with it.
   *  Rejects with TimeoutError, which names the pods that stay. */
  removeNode(
    name: string,
    options?: { readonly drain?: boolean; readonly timeout?: Duration },
  ): Promise<void>;

  /** What a node finds wrong with itself from now on; nothing ends it. Resolves once its object says so. */
  setNodeTroubles(name: string, troubles: NodeTroubles): Promise<void>;

  /** Cuts a node off: its pods go on, it reaches nobody and nobody reaches it. For the others it is as if it had crashed. */
  partition(name: string): void;
  /** Ends that. */
  heal(name: string): void;

  /** Ends a part at once, as a power cut would: `store`, `apiserver`, `scheduler`, `controller-manager`, or a node. Of several
   *  replicas `scheduler` means all, `scheduler-1` one. */
  crash(name: string): Promise<void>;

  /** Starts a part that has crashed, or starts it anew. */
  restart(name: string): Promise<void>;

  /** Takes a lease from whoever holds it, who hears of it at its next renewal: `scheduler` or `controller-manager`, where there are
   *  several, or any Lease by its name. Another candidate takes over at once.
   *  Resolves with who held it. Rejects where there is no such lease, or nobody holds it. */
  loseLease(name: string, options?: { readonly namespace?: string }): Promise<string>;

  /** Everything that the cluster holds, to be restored later. */
  snapshot(): Promise<Snapshot>;

  /** Brings every object back to what it was, uids included, and the nodes that the cluster runs; leases stay as they are. Parts go
   *  on: they see the change as they would see any other. Resolves once they have. */
  restore(snapshot: Snapshot): Promise<void>;

  /** Stops everything. Nothing of it is left: no timer, port, file or task. Idempotent. */
  stop(): Promise<void>;
}
