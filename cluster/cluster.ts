import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SimulatedPower } from "../agent/simulate/simulate.ts";
import type { Os, Running } from "../base/os/os.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { InformerFactory } from "../client/informer.ts";
import { kubeconfigText } from "../client/kubeconfig.ts";
import type { Stored } from "../client/object-cache.ts";
import { resources } from "../client/resources.ts";
import type { Event, KubeObject, Resource } from "../client/types.ts";
import type { User } from "../controlplane/apiserver/filters/authentication.ts";
import type { Storage } from "../controlplane/apiserver/registry/storage.ts";
import type { ApiServer } from "./api-server.ts";
import { ClusterClient, type Manifest } from "./cluster-client.ts";
import type { ClusterClock } from "./cluster-clock.ts";
import { type ClusterCredentials, clientCertificate } from "./credentials.ts";
import type { Faults } from "./faults.ts";
import { adminUser, userOf } from "./identities.ts";
import type { LocalServer } from "./local/local-server.ts";
import { LocalWay } from "./local/local-way.ts";
import { isReady } from "./readiness.ts";
import type { RequestRecord } from "./requests.ts";
import { Snapshot } from "./snapshot.ts";
import { TimeoutError, type UntilOptions, until } from "./until.ts";

/** A part of the control plane that can crash and come back. */
export interface Component {
  readonly start: (client: ClusterClient) => Running;
  readonly user: User;
}

/** What a cluster is made of. */
export interface ClusterParts {
  readonly os: (name: string) => Os;
  readonly clock: ClusterClock;
  readonly isManual: boolean;
  readonly storage: Storage;
  readonly credentials: ClusterCredentials;
  readonly local: LocalServer;
  readonly apiServer: ApiServer;
  readonly faults: Faults;
  readonly requests: RequestRecord;
  readonly components: ReadonlyMap<string, Component>;
  readonly nodes: {
    readonly names: readonly string[];
    readonly start: (client: ClusterClient) => Running & SimulatedPower;
  };
}

interface Alive {
  readonly running: Running;
  readonly client: ClusterClient;
}

/** A file and its text, for programs outside of this process. */
export interface Kubeconfig {
  readonly path: string;
  readonly text: string;
  /** Where the API server listens, such as `https://127.0.0.1:40123`. */
  readonly url: string;
}

const apiServerName = "apiserver";
const nodesName = "nodes";

/** A whole cluster in this process: made by `startCluster`. */
export class Cluster implements AsyncDisposable {
  /** The administrator's client. */
  readonly client: ClusterClient;
  /** The time of everything in the cluster. */
  readonly clock: ClusterClock;
  /** What goes wrong with requests. */
  readonly faults: Faults;
  /** The requests that were made. */
  readonly requests: RequestRecord;
  readonly #parts: ClusterParts;
  readonly #tasks: TaskScope;
  readonly #informers: InformerFactory;
  readonly #alive = new Map<string, Alive>();
  readonly #clients: ClusterClient[] = [];
  #nodes: (Running & SimulatedPower) | undefined;
  #folder: string | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.faults = parts.faults;
    this.requests = parts.requests;
    const os = parts.os("test");
    this.#tasks = new TaskScope(os.log);
    this.client = this.#clientOf("test", adminUser);
    this.#informers = new InformerFactory(this.#tasks, {
      client: this.#clientOf("test-informers", adminUser),
      ...os,
    });
  }

  /** Starts everything. Resolves when pods can be made and all nodes are ready. */
  async start(): Promise<void> {
    const { apiServer, components, nodes } = this.#parts;
    await apiServer.start();
    for (const name of components.keys()) this.#startComponent(name);
    if (nodes.names.length > 0) this.#nodes = nodes.start(this.#clientOf(nodesName, adminUser));
    const ready = [
      this.until(
        resources.serviceaccounts,
        (all) => all.some(({ metadata }) => metadata.namespace === "default" && metadata.name === "default"),
        { what: "the default service account" },
      ),
      this.until(
        resources.nodes,
        (all) => all.filter((node) => isReady(node as unknown as KubeObject)).length >= nodes.names.length,
        { what: "all nodes are ready" },
      ),
    ];
    await Promise.all(ready);
  }

  /** A client with the rights of this user.
   *  @param name What requests are recorded by. */
  clientFor(user: string, groups: readonly string[] = [], name = user): ClusterClient {
    return this.#clientOf(name, userOf(user, groups));
  }

  /** Opens the API server's HTTPS port on the loopback, unless it is open, and writes a kubeconfig for this user, who may do
   *  everything unless said otherwise. The file goes with the cluster. */
  async kubeconfig(
    user = "admin",
    groups: readonly string[] = user === "admin" ? ["system:masters"] : [],
  ): Promise<Kubeconfig> {
    const { apiServer, credentials } = this.#parts;
    const url = await apiServer.listen();
    const certificate = await clientCertificate(credentials, user, groups);
    const text = kubeconfigText({
      servers: [url],
      caPem: credentials.authority.certificatePem,
      certificatePem: certificate.certificatePem,
      privateKeyPem: certificate.privateKeyPem,
      namespace: "default",
    });
    this.#folder ??= await mkdtemp(join(tmpdir(), "pintle-cluster-"));
    const path = join(this.#folder, `${encodeURIComponent(user)}.kubeconfig`);
    await writeFile(path, text, { mode: 0o600 });
    return { path, text, url };
  }

  /** Resolves with what `find` finds among the objects of a kind, at the first change that makes it find something. */
  until<T extends Stored, R>(
    resource: Resource<T>,
    find: (objects: readonly T[]) => R | undefined | false | null,
    options: UntilOptions = {},
  ): Promise<R> {
    const { clock, isManual } = this.#parts;
    return until(resource, find, options, {
      informers: this.#informers,
      clock,
      isManual,
      tasks: this.#tasks,
    });
  }

  /** Resolves with the object once it is there and ready, as `kubectl wait` and `kubectl rollout status` would say. Rejects with
   *  TimeoutError, which tells its state and its events. */
  async untilReady(
    object: Manifest,
    { timeout = "30s" }: Pick<UntilOptions, "timeout"> = {},
  ): Promise<KubeObject> {
    const resource = await this.client.kindOf(object);
    const { name } = object.metadata;
    const namespace = resource.namespaced ? (object.metadata.namespace ?? "default") : undefined;
    let seen: KubeObject | undefined;
    const find = (all: readonly KubeObject[]) => {
      seen = all.find(({ metadata }) => metadata.name === name);
      return seen !== undefined && isReady(seen) ? seen : undefined;
    };
    const what = `${object.kind} ${name} is ready`;
    return this.until(resource, find, { timeout, what, ...(namespace && { namespace }) }).catch(
      async (error) => {
        if (!(error instanceof TimeoutError)) throw error;
        const status = seen === undefined ? "it is not there" : `its status: ${JSON.stringify(seen.status)}`;
        const events = seen === undefined ? [] : await this.events(seen);
        const told = events.map(({ type, reason, message }) => `  ${type} ${reason}: ${message}`);
        throw new TimeoutError([`${error.message}; ${status}`, ...told].join("\n"));
      },
    );
  }

  /** The events about an object, or all of them, the oldest first. */
  async events(about?: { readonly metadata: { readonly uid?: string } }): Promise<readonly Event[]> {
    const { items } = await this.client.list(resources.events);
    const uid = about?.metadata.uid;
    const revision = ({ metadata }: Event) => Number(metadata.resourceVersion);
    return items
      .filter(({ involvedObject }) => uid === undefined || involvedObject.uid === uid)
      .sort((a, b) => revision(a) - revision(b));
  }

  /** Ends a part at once, as a power cut would: `apiserver`, `scheduler`, `controller-manager`, or a node. */
  async crash(name: string): Promise<void> {
    if (this.#isNode(name)) return this.#nodes?.halt(name);
    if (name === apiServerName) return this.#parts.apiServer.stop();
    const alive = this.#alive.get(name);
    if (alive === undefined) {
      this.#known(name);
      return;
    }
    this.#alive.delete(name);
    // What it would still say is not heard.
    alive.client.close();
    await alive.running.stop();
  }

  /** Starts a part again that has crashed. */
  async restart(name: string): Promise<void> {
    if (this.#isNode(name)) return this.#nodes?.boot(name);
    await this.crash(name);
    if (name === apiServerName) return this.#parts.apiServer.start();
    this.#startComponent(name);
  }

  /** Everything that the cluster holds, to be restored later. */
  snapshot(): Promise<Snapshot> {
    return Snapshot.of(this.#parts.storage);
  }

  /** Brings every object back to what it was. Parts go on: they see the change as they would see any other. */
  restore(snapshot: Snapshot): Promise<void> {
    return snapshot.restoreTo(this.#parts.storage);
  }

  /** Stops everything. Nothing of it is left: no timer, port, file or task. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    const { apiServer, storage, clock } = this.#parts;
    this.#parts.local.down();
    const running = [...this.#alive.values()].map((one) => one.running);
    if (this.#nodes !== undefined) running.push(this.#nodes);
    await Promise.all([...running.map((one) => one.stop()), this.#tasks.stop()]);
    await apiServer.stop();
    for (const client of this.#clients) client.close();
    await storage.close();
    clock.close();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  #startComponent(name: string): void {
    const component = this.#known(name);
    const client = this.#clientOf(name, component.user);
    const running = component.start(client);
    running.done.catch(() => undefined); // it has logged why
    this.#alive.set(name, { running, client });
  }

  #known(name: string): Component {
    const { components, nodes } = this.#parts;
    const component = components.get(name);
    if (component !== undefined) return component;
    const names = [apiServerName, ...components.keys(), ...nodes.names];
    throw new TypeError(`${JSON.stringify(name)} is none of ${names.join(", ")}`);
  }

  #isNode(name: string): boolean {
    return this.#parts.nodes.names.includes(name);
  }

  #clientOf(name: string, user: User): ClusterClient {
    const { local, clock, faults } = this.#parts;
    const way = new LocalWay(local, { user, name }, { clock, between: faults.between });
    const client = new ClusterClient(
      { servers: ["http://localhost"], namespace: "default" },
      { clock, userAgent: name, way },
    );
    this.#clients.push(client);
    return client;
  }
}
