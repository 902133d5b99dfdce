import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { behaviourProblems } from "../agent/simulate/check-behaviours.ts";
import type { PodBehaviour } from "../agent/simulate/pod-behaviour.ts";
import { type Duration, durationMs } from "../base/duration.ts";
import { systemClock } from "../base/os/clock.ts";
import type { MovableClock } from "../base/os/movable-clock.ts";
import type { Running } from "../base/os/os.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { type Within, withinBy } from "../base/os/within.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import { orAbsent } from "../client/api-error.ts";
import { InformerFactory } from "../client/informer.ts";
import type { Kind } from "../client/kube/define-kind.ts";
import { KubeClient, type KubeClientOptions, type KubeClientParts } from "../client/kube/kube-client.ts";
import type { AnyManifest } from "../client/kube/manifest.ts";
import { kubeconfigText } from "../client/kubeconfig.ts";
import type { Stored } from "../client/object-cache.ts";
import { resources } from "../client/resources.ts";
import { RestClient } from "../client/rest.ts";
import { isReady } from "../client/rules/readiness.ts";
import type { KubeObject, Node } from "../client/types.ts";
import { checkClientOptions, checkUser } from "./check-arguments.ts";
import type { ClientOptions, Cluster, Kubeconfig, NodeTroubles } from "./cluster.ts";
import { ClusterNodes } from "./cluster-nodes.ts";
import type { ClusterParts } from "./cluster-parts.ts";
import { clientCertificate } from "./credentials.ts";
import { evictPods } from "./drain.ts";
import { EventRecord } from "./events.ts";
import type { PlacedFaults } from "./faults.ts";
import { adminUser, userOf } from "./identities.ts";
import { takeLease } from "./leases.ts";
import type { Caller } from "./local/local-server.ts";
import { LocalWay } from "./local/local-way.ts";
import { type Manifests, manifestList } from "./manifests.ts";
import { machinesOf, type NodeOptions } from "./node-options.ts";
import { saysSo, troubleOf } from "./node-troubles.ts";
import { type OwnFolder, ownFolder } from "./own-folder.ts";
import type { RequestRecord } from "./requests.ts";
import { KeptObjects, type Snapshot } from "./snapshot.ts";
import { Turns } from "./turns.ts";
import { type UntilOptions, untilStopped } from "./until.ts";
import { Waiting } from "./waiting.ts";
import { Waits } from "./waits.ts";
import { Warnings } from "./warnings.ts";
import type { Webhook, WebhookOptions } from "./webhooks/admission-webhook.ts";
import type { ConvertObject } from "./webhooks/conversion.ts";
import type { AnswerReview } from "./webhooks/hook-table.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

interface Alive {
  readonly running: Running;
  readonly client: RestClient;
}

const storeName = "store";
const apiServerName = "apiserver";
const nodesName = "nodes";

/** It is ready, and the controllers know. */
const takesPods = (node: Node): boolean =>
  isReady(node as unknown as KubeObject) &&
  !(node.spec?.taints ?? []).some(({ key }) => key === "node.kubernetes.io/not-ready");

/** The cluster that `startCluster` made. */
export class RunningCluster implements Cluster {
  readonly client: KubeClient;
  readonly clock: MovableClock;
  readonly faults: PlacedFaults;
  readonly requests: RequestRecord;
  readonly events: EventRecord;
  readonly #parts: ClusterParts;
  readonly #tasks: TaskScope;
  readonly #informers: InformerFactory;
  readonly #alive = new Map<string, Alive>();
  readonly #clients: RestClient[] = [];
  readonly #waiting = new Waiting();
  readonly #warnings = new Warnings();
  readonly #waits: Waits;
  /** How a test's waits are bounded. */
  readonly #within: Within;
  readonly #turns = new Turns();
  readonly #nodes: ClusterNodes;
  readonly #webhooks: Webhooks;
  #folder: Promise<OwnFolder> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.faults = parts.faults;
    this.requests = parts.requests;
    this.#nodes = new ClusterNodes(parts.nodes, () => this.#clientOf({ name: nodesName, user: adminUser }));
    const os = parts.os("test");
    this.#tasks = new TaskScope(os.log);
    const bounded = withinBy(parts.isManual ? parts.clock.driven : systemClock);
    this.#within = untilStopped(this.#waiting.whileIn(bounded), this.#tasks.signal);
    this.client = this.#kubeClientOf(
      { name: "test", user: adminUser },
      { force: true, within: this.#within },
    );
    this.#webhooks = new Webhooks(this.client, parts.hooks);
    const client = this.#clientOf({ name: "test-informers", user: adminUser });
    this.#informers = new InformerFactory(this.#tasks, { client, ...os });
    this.events = new EventRecord(this.#tasks.signal);
    this.#waits = new Waits({
      client: this.client,
      informers: this.#informers,
      within: this.#within,
      events: this.events,
      warnings: this.#warnings,
    });
  }

  /** Starts everything. Resolves when pods can be made and all nodes are ready. */
  start(): Promise<void> {
    return this.#waiting.during(() => this.#start());
  }

  async #start(): Promise<void> {
    const { apiServer, components } = this.#parts;
    await apiServer.start();
    for (const name of components.keys()) this.#startComponent(name);
    const started = this.#nodes.start();
    const ready: Promise<unknown>[] = [
      this.events.follow(this.#informers.informer(resources.events)),
      this.until(
        resources.serviceaccounts,
        (all) => all.some(({ metadata }) => metadata.namespace === "default" && metadata.name === "default"),
        { what: "the default service account" },
      ),
      started.then(() => this.#nodesReady(this.nodes)),
    ];
    await Promise.all(ready);
    // What follows from the start is over.
    if (this.#parts.isManual) await this.clock.advance(0);
  }

  clientFor(user: string, options: ClientOptions = {}): KubeClient {
    this.#checkRunning();
    checkClientOptions(options);
    const { groups = [], name = user, ...own } = options;
    checkUser(user, groups);
    return this.#kubeClientOf({ name, user: userOf(user, groups) }, own);
  }

  async kubeconfig(
    user = "admin",
    groups: readonly string[] = user === "admin" ? ["system:masters"] : [],
  ): Promise<Kubeconfig> {
    this.#checkRunning();
    checkUser(user, groups);
    const { apiServer, credentials } = this.#parts;
    const { url, told } = await apiServer.listen();
    const limits = { timeoutMs: 30_000, what: "the Service kubernetes leads to the API server" };
    await this.#within((signal) => unlessAborted(told, signal), limits);
    const certificate = await clientCertificate(credentials, user, groups);
    const text = kubeconfigText({
      servers: [url],
      caPem: credentials.authority.certificatePem,
      certificatePem: certificate.certificatePem,
      privateKeyPem: certificate.privateKeyPem,
      namespace: "default",
    });
    this.#folder ??= ownFolder();
    const folder = await this.#folder;
    const path = join(folder.path, `${encodeURIComponent(user)}.kubeconfig`);
    await writeFile(path, text, { mode: 0o600 });
    return { path, text, url };
  }

  async apply<T extends Manifests>(manifests: T): Promise<readonly KubeObject[]> {
    this.#checkRunning();
    const applied: KubeObject[] = [];
    for (const manifest of manifestList(manifests)) {
      const object = (await this.client.apply(manifest)) as KubeObject;
      const defines = manifest.kind === "CustomResourceDefinition" || manifest.kind === "APIService";
      applied.push(defines ? await this.#waits.oneReady(manifest, {}) : object);
    }
    return applied;
  }

  until<T extends Stored, R>(
    kind: Kind<T>,
    find: (objects: readonly T[]) => R | undefined | false | null,
    options: UntilOptions = {},
  ): Promise<R> {
    return this.#waits.until(kind, find, options);
  }

  untilReady<T extends AnyManifest>(object: T, options?: Pick<UntilOptions, "timeout">): Promise<KubeObject>;
  untilReady<T extends Manifests>(
    objects: T,
    options?: Pick<UntilOptions, "timeout">,
  ): Promise<readonly KubeObject[]>;
  untilReady(
    objects: Manifests,
    options: Pick<UntilOptions, "timeout"> = {},
  ): Promise<KubeObject | readonly KubeObject[]> {
    return this.#waits.untilReady(objects, options);
  }

  untilGone<T extends Manifests>(objects: T, options: Pick<UntilOptions, "timeout"> = {}): Promise<void> {
    return this.#waits.untilGone(objects, options);
  }

  script(behaviour: PodBehaviour | readonly PodBehaviour[]): { remove(): void } {
    this.#checkRunning();
    const { behaviours } = this.#parts;
    const added = [behaviour].flat() as readonly PodBehaviour[];
    const problems = behaviourProblems(added, "script");
    if (problems.length > 0) throw new TypeError(problems.join("\n"));
    this.#nodes.checkScripted("script");
    behaviours.add(added);
    this.#nodes.wakePods();
    return {
      remove: () => {
        behaviours.remove(added);
        this.#nodes.wakePods();
      },
    };
  }

  async webhook<T = KubeObject>(options: WebhookOptions<T>): Promise<Webhook> {
    this.#checkRunning();
    return this.#webhooks.add(options);
  }

  async convert(definition: string, convert: ConvertObject): Promise<void> {
    this.#checkRunning();
    return this.#webhooks.convert(definition, convert);
  }

  answerWebhooks(service: string, answer: AnswerReview): void {
    this.#checkRunning();
    this.#webhooks.answerFor(service, answer);
  }

  /** A connection to whoever answers for simulated nodes; undefined while there are none. */
  connectNode() {
    return this.#nodes.connect();
  }

  get nodes(): readonly string[] {
    return this.#nodes.names;
  }

  async addNode(options: NodeOptions = {}): Promise<string> {
    this.#checkRunning();
    const machines = machinesOf([options], new Set(this.nodes), () => "node");
    const [[name, machine] = []] = machines;
    if (name === undefined || machine === undefined) throw new TypeError("node: must be an object");
    return this.#waiting.during(async () => {
      await this.#nodes.add(name, machine);
      await this.#nodesReady([name]);
      return name;
    });
  }

  async removeNode(
    name: string,
    { drain = true, timeout = "5m" }: { readonly drain?: boolean; readonly timeout?: Duration } = {},
  ): Promise<void> {
    this.#checkRunning();
    this.#nodes.check(name);
    if (drain) {
      const evict = (signal: AbortSignal) =>
        evictPods(name, { client: this.client.rest, clock: this.clock }, signal);
      const uids = await this.#within(evict, {
        timeoutMs: durationMs(timeout),
        what: `node ${name} is drained`,
      });
      await this.until(resources.pods, (all) => !all.some(({ metadata }) => uids.has(metadata.uid)), {
        timeout,
        what: `the pods of node ${name} have ended`,
      });
    }
    await this.#waiting.during(() =>
      this.#nodes.remove(name, () => orAbsent(this.client.delete(resources.nodes, { name }))),
    );
  }

  async setNodeTroubles(name: string, troubles: NodeTroubles): Promise<void> {
    this.#checkRunning();
    const trouble = troubleOf(troubles);
    this.#nodes.setTrouble(name, trouble);
    await this.until(
      resources.nodes,
      (all) => all.some((node) => node.metadata.name === name && saysSo(node, trouble)),
      { what: `node ${name} says what is wrong with it` },
    );
  }

  partition(name: string): void {
    this.#checkRunning();
    this.#nodes.setCutOff(name, true);
  }

  heal(name: string): void {
    this.#checkRunning();
    this.#nodes.setCutOff(name, false);
  }

  async crash(name: string): Promise<void> {
    this.#checkRunning();
    if (this.#nodes.has(name)) return this.#waiting.during(() => this.#nodes.halt(name));
    return this.#turns.take(() => this.#end(name));
  }

  async #end(name: string): Promise<void> {
    if (name === apiServerName) return this.#parts.apiServer.stop();
    if (name === storeName) return this.#parts.store.crash();
    for (const one of this.#replicas(name)) {
      const alive = this.#alive.get(one);
      this.#alive.delete(one);
      // What it would still say is not heard.
      alive?.client.close();
      await alive?.running.stop();
    }
  }

  async restart(name: string): Promise<void> {
    this.#checkRunning();
    if (this.#nodes.has(name)) return this.#waiting.during(() => this.#nodes.boot(name));
    return this.#turns.take(async () => {
      await this.#end(name);
      this.#checkRunning();
      if (name === apiServerName) return this.#parts.apiServer.start();
      if (name === storeName) return this.#parts.store.restart();
      for (const one of this.#replicas(name)) this.#startComponent(one);
    });
  }

  async loseLease(name: string, { namespace }: { readonly namespace?: string } = {}): Promise<string> {
    this.#checkRunning();
    const replicas = namespace === undefined ? this.#replicasIfAny(name) : [];
    if (replicas.length === 1)
      throw new TypeError(
        `${name} is alone and holds no lease: start the cluster with replicas: { ${JSON.stringify(name)}: 2 }`,
      );
    const lease =
      replicas.length > 0
        ? { namespace: "kube-system", name: `kube-${name}` }
        : { namespace: namespace ?? "default", name };
    return takeLease(lease, { client: this.client.rest, clock: this.clock });
  }

  async snapshot(): Promise<Snapshot> {
    this.#checkRunning();
    this.#nodes.checkKept("snapshot");
    return KeptObjects.of(this.#parts.store, this.#nodes.machines);
  }

  async restore(snapshot: Snapshot): Promise<void> {
    this.#checkRunning();
    if (!(snapshot instanceof KeptObjects)) throw new TypeError("snapshot: is none that a cluster made");
    this.#nodes.checkKept("restore");
    await this.clock.advance(0); // what is under way is about what there was
    this.#nodes.forgetOthers(snapshot.machines);
    await snapshot.restoreTo(this.#parts.store);
    this.#nodes.replace(snapshot.machines);
    await this.clock.advance(0);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#waiting.during(() => this.#stop());
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What is stopped is not brought back part by part. */
  #checkRunning(): void {
    if (this.#stopped !== undefined) throw new Error("the cluster was stopped");
  }

  async #stop(): Promise<void> {
    const { apiServer, store, clock } = this.#parts;
    this.#parts.local.down();
    await this.#turns.over();
    this.#parts.local.down(); // where the API server just came back
    const stopping = [...this.#alive.values()].map((one) => one.running.stop());
    await Promise.all([...stopping, this.#nodes.stop(), this.#tasks.stop()]);
    await apiServer.stop();
    for (const client of this.#clients) client.close();
    await store.close();
    clock.close("the cluster was stopped");
    await (await this.#folder)?.remove();
  }

  async #nodesReady(names: readonly string[]): Promise<void> {
    const find = (all: readonly Node[]) => {
      const found = names.map((name) => all.find((node) => node.metadata.name === name && takesPods(node)));
      return found.every((node) => node !== undefined) && found;
    };
    const what = `${names.length === 1 ? `node ${names[0]} is` : "all nodes are"} ready`;
    const timeout = names.some((name) => this.#nodes.isReal(name)) ? "60s" : "30s";
    const ready = this.until(resources.nodes, find, { what, timeout });
    for (const { metadata, spec } of await this.#nodes.unlessEnded(names, ready))
      await this.#nodes.route(metadata.name, spec?.podCIDRs ?? []);
  }

  #startComponent(name: string): void {
    const component = this.#parts.components.get(name);
    if (component === undefined || this.#alive.has(name)) return;
    const client = this.#clientOf({ name, group: component.group, user: component.user });
    const running = component.start(client);
    running.done.catch(() => undefined); // it has logged why
    this.#alive.set(name, { running, client });
  }

  #replicasIfAny(name: string): readonly string[] {
    return [...this.#parts.components].flatMap(([one, { group }]) =>
      one === name || group === name ? one : [],
    );
  }

  #replicas(name: string): readonly string[] {
    const found = this.#replicasIfAny(name);
    if (found.length > 0) return found;
    const { components } = this.#parts;
    const names = new Set([storeName, apiServerName, ...[...components.values()].map(({ group }) => group)]);
    throw new TypeError(
      `${JSON.stringify(name)} is none of ${[...names, ...components.keys()].filter((one, at, all) => all.indexOf(one) === at).join(", ")}, ${this.nodes.join(", ")}`,
    );
  }

  /** A client for whoever is outside of the cluster. */
  #kubeClientOf(
    caller: Caller,
    { within, ...own }: Pick<KubeClientOptions, "fieldManager" | "force"> & Pick<KubeClientParts, "within">,
  ): KubeClient {
    const { clock, random, log } = this.#parts.os(caller.name);
    const keeping = this.#warnings.keptOf(log, caller.name);
    const options = { fieldManager: caller.name, clock, random, log: keeping, ...own };
    const parts = { within: within ?? this.#waiting.whileIn(withinBy(clock)) };
    return new KubeClient(this.#clientOf(caller, this.#waiting), options, parts);
  }

  /** @param waiting Of whoever waits for what is asked, outside of the cluster. */
  #clientOf(caller: Caller, waiting?: Waiting): RestClient {
    const { local, clock, faults } = this.#parts;
    const way = new LocalWay(local, caller, {
      clock,
      between: faults.between,
      ...(waiting && { waits: () => waiting.begin() }),
    });
    const client = new RestClient(
      { servers: ["http://localhost"], namespace: "default" },
      { clock: waiting?.clockOf(clock) ?? clock, userAgent: caller.name, way },
    );
    this.#clients.push(client);
    return client;
  }
}
