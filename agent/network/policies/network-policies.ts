import { type Deferred, deferred } from "../../../base/deferred.ts";
import { type Clock, sleep } from "../../../base/os/clock.ts";
import { describeError, type Log } from "../../../base/os/log.ts";
import type { TaskScope } from "../../../base/os/task-scope.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import type { EventRecorder } from "../../../client/events.ts";
import type { Informer, InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { NetworkPolicy, Pod } from "../../../client/types.ts";
import type { PodAddress, PodAttachment } from "../../network-seam.ts";
import type { IpFamily } from "../ip-family.ts";
import type { LiveRuleset } from "../live-ruleset.ts";
import type { LiveApplier } from "../nft-applier.ts";
import { ProblemReports } from "../problem-reports.ts";
import { ClusterPeers, type PolicySide } from "./cluster-peers.ts";
import { ClusterPolicyFeed } from "./cluster-policy-feed.ts";
import { compileClusterPolicy } from "./compile-cluster-policy.ts";
import { compilePolicy } from "./compile-policy.ts";
import { NodePeers } from "./node-peers.ts";
import type { PodIsolation } from "./pod-isolation.ts";
import { policyPod } from "./policy-pod.ts";
import { PolicyTable } from "./policy-table.ts";

/** One family that pods have. */
export interface PolicyFamily {
  readonly family: IpFamily;
  readonly clusterCidr?: string;
  /** Where the node answers its pods' questions for names. */
  readonly dnsAddress?: string;
  readonly openApplier: (ruleset: LiveRuleset) => LiveApplier;
  /** Makes the kernel forget the connections of whoever had an address before. */
  readonly forgetFlows: (address: string) => Promise<void>;
}

export interface NetworkPoliciesParts {
  readonly informers: InformerFactory;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly log: Log;
  readonly tasks: TaskScope;
}

interface Side extends PolicySide, PolicyFamily {
  readonly applier: LiveApplier;
}

/** Changes arriving within this time are carried out together. */
const gatherMs = 20;
const retryMs = 1000;
/** A pod waits this long for its rules; then it is tried anew. */
const admitMs = 20_000;

/** Keeps the kernel's tables, one of each family, equal to the cluster's network policies and those of the whole cluster, as far
 *  as this node's pods are concerned. Without a policy there is no table, and nothing of the cluster is followed but policies. */
export class NetworkPolicies implements PodIsolation {
  readonly #nodeName: string;
  readonly #parts: NetworkPoliciesParts;
  readonly #sides: readonly Side[];
  readonly #policies: Informer<NetworkPolicy>;
  readonly #clusterPolicies: ClusterPolicyFeed;
  readonly #nodePeers: NodePeers;
  readonly #localPods: Informer<Pod>;
  readonly #reports: ProblemReports;
  readonly #attached = new Map<string, Attached>();
  /** What runs on from before is known, or nothing does. */
  readonly #begun = deferred<void>();
  #peers: ClusterPeers | undefined;
  #touched = deferred<void>();
  /** Resolves at the next change, for those who wait until all is known. */
  #changed: Deferred<void> = deferred();

  constructor(
    { nodeName, families }: { readonly nodeName: string; readonly families: readonly PolicyFamily[] },
    parts: NetworkPoliciesParts,
  ) {
    const { informers, log, tasks, events } = parts;
    this.#nodeName = nodeName;
    this.#parts = parts;
    this.#sides = families.map((one) => {
      const table = new PolicyTable(one.family, one.dnsAddress);
      return { ...one, table, applier: one.openApplier(table.ruleset) };
    });
    this.#reports = new ProblemReports(events, "NetworkPolicyNotEnforced");
    this.#policies = informers.informer(resources.networkpolicies);
    const touch = () => this.#touch();
    this.#clusterPolicies = new ClusterPolicyFeed({
      informers,
      log,
      onPut: (policy) => {
        for (const { table, family } of this.#sides)
          table.putClusterPolicy(compileClusterPolicy(policy, family));
        this.#touch();
      },
      onRemove: (policy) => {
        for (const { table, family } of this.#sides)
          table.removeClusterPolicy(compileClusterPolicy(policy, family).id);
        this.#touch();
      },
      onChange: touch,
    });
    this.#nodePeers = new NodePeers(informers.informer(resources.nodes), this.#sides, touch);
    this.#localPods = informers.informer(resources.pods, { fieldSelector: `spec.nodeName=${nodeName}` });
    this.#clusterPolicies.run(tasks);
    tasks.run("network policies", (signal) => this.#run(signal));
  }

  async admit(pod: PodAttachment, addresses: Pick<PodAddress, "podIp" | "secondIp">): Promise<void> {
    const late = new AbortController();
    const { clock, tasks } = this.#parts;
    const cancel = clock.after(admitMs, () => late.abort(new Error("they are not known yet")));
    const onStop = () => late.abort(tasks.signal.reason);
    tasks.signal.addEventListener("abort", onStop, { once: true });
    try {
      await this.#localPods.synced(late.signal);
      const attached = this.#attach(pod, addresses);
      const isKnown = this.#putSubject(attached);
      this.#begun.resolve();
      await this.#settled(late.signal);
      if (!this.#hasPolicies) return;
      if (!isKnown) throw new Error("the pod is gone, and what it was called with it");
      await this.#namespaceKnown(pod.namespace, late.signal);
      await Promise.all(attached.places.map(({ side }) => side.applier.flush()));
      for (const { side, address } of attached.places)
        if (side.table.isIsolated(pod.sandboxId)) await side.forgetFlows(address);
    } catch (error) {
      this.release(pod.sandboxId);
      throw new Error("its network policies cannot be put in place", { cause: error });
    } finally {
      cancel();
      tasks.signal.removeEventListener("abort", onStop);
    }
  }

  release(sandboxId: string): void {
    const attached = this.#attached.get(sandboxId);
    if (attached === undefined) return;
    this.#attached.delete(sandboxId);
    for (const { side } of attached.places) side.table.removeSubject(sandboxId);
    this.#touch();
  }

  restored(known: Parameters<PodIsolation["restored"]>[0]): void {
    for (const pod of known) this.#putSubject(this.#attach(pod, pod));
    this.#begun.resolve();
  }

  get #hasPolicies(): boolean {
    return this.#sides.some(({ table }) => table.hasPolicies);
  }

  #attach(pod: PodAttachment, { podIp, secondIp = "" }: Pick<PodAddress, "podIp" | "secondIp">): Attached {
    const places = this.#sides.flatMap((side) => {
      const isOf6 = side.family.version === 6;
      const address = [podIp, secondIp].find((ip) => ip !== "" && ip.includes(":") === isOf6);
      return address === undefined ? [] : [{ side, address }];
    });
    const attached = { pod, places };
    this.#attached.set(pod.sandboxId, attached);
    return attached;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#subscribe();
    try {
      await Promise.all([this.#localPods.synced(signal), unlessAborted(this.#begun.promise, signal)]);
      while (!signal.aborted) {
        this.#touched = deferred();
        await this.#settled(signal);
        try {
          await this.#apply();
          this.#report();
        } catch (error) {
          this.#parts.log.error("cannot put network policies in place; trying again", { error });
          this.#report(`${this.#nodeName} cannot put it in place: ${describeError(error)}`);
          await sleep(this.#parts.clock, retryMs, signal);
          continue;
        }
        await unlessAborted(this.#touched.promise, signal);
        await sleep(this.#parts.clock, gatherMs, signal);
      }
    } finally {
      for (const off of unsubscribe) off();
    }
  }

  /** What the kernel refuses of one family keeps the other from nothing. */
  async #apply(): Promise<void> {
    const done = await Promise.allSettled(
      this.#sides.map(({ table, applier }) => (table.hasPolicies ? applier.flush() : applier.remove())),
    );
    for (const one of done) if (one.status === "rejected") throw one.reason;
  }

  #subscribe(): readonly (() => void)[] {
    const putPolicy = (policy: NetworkPolicy) => {
      for (const { table, family } of this.#sides) table.putPolicy(compilePolicy(policy, family));
      this.#touch();
    };
    const removePolicy = ({ metadata }: NetworkPolicy) => {
      for (const { table } of this.#sides) table.removePolicy(`${metadata.namespace}/${metadata.name}`);
      this.#touch();
    };
    const putPod = ({ metadata: { uid } }: Pod) => {
      for (const attached of this.#attached.values())
        if (attached.pod.uid === uid) this.#putSubject(attached);
    };
    return [
      this.#localPods.subscribe({ onAdd: putPod, onUpdate: putPod }),
      this.#policies.subscribe({ onAdd: putPolicy, onUpdate: putPolicy, onDelete: removePolicy }),
    ];
  }

  /** Whether the pod is known. One that is not has no labels; policies for its whole namespace are for it, too. */
  #putSubject({ pod, places }: Attached): boolean {
    const found = this.#localPods.get(pod);
    const known = found?.metadata.uid === pod.uid ? found : undefined;
    for (const { side, address } of places)
      side.table.putSubject(
        pod.sandboxId,
        known === undefined
          ? { namespace: pod.namespace, name: pod.name, labels: {}, addresses: [address], ports: [] }
          : policyPod(known, [address]),
      );
    this.#touch();
    return known !== undefined;
  }

  /** Resolves once all is known that the policies speak of. */
  async #settled(signal: AbortSignal): Promise<void> {
    await this.#policies.synced(signal);
    while (!this.#isSettled) await unlessAborted(this.#changed.promise, signal);
  }

  get #isSettled(): boolean {
    return (
      this.#clusterPolicies.isRead &&
      (this.#peers === undefined || this.#peers.hasSynced) &&
      this.#nodePeers.hasSynced
    );
  }

  /** A namespace may be newer than what is known: until it is, nobody can tell which policies are for its pods. */
  async #namespaceKnown(name: string, signal: AbortSignal): Promise<void> {
    const isKnown = ({ table }: Side) => !table.asksForNamespaces || table.knowsNamespace(name);
    while (!this.#sides.every(isKnown)) await unlessAborted(this.#changed.promise, signal);
  }

  #touch(): void {
    if (this.#hasPolicies && this.#peers === undefined) {
      const onChange = () => this.#touch();
      const peers = new ClusterPeers(this.#nodeName, this.#sides, { ...this.#parts, onChange });
      this.#peers = peers;
      this.#parts.tasks.run("network policies' peers", (signal) => peers.run(signal));
    } else if (!this.#hasPolicies && this.#peers !== undefined) {
      const peers = this.#peers;
      this.#peers = undefined;
      peers.end();
    }
    this.#nodePeers.follow(this.#sides.some(({ table }) => table.namesNodes));
    this.#touched.resolve();
    const changed = this.#changed;
    this.#changed = deferred();
    changed.resolve();
  }

  /** @param failure Why none of the policies is as it was meant. */
  #report(failure?: string): void {
    this.#reports.update(
      this.#sides.flatMap(({ table }) =>
        table.inUse().flatMap(({ policy, problems }) =>
          [...problems, ...(failure === undefined ? [] : [failure])].map((message) => ({
            object: policy.policy,
            message,
          })),
        ),
      ),
    );
  }
}

interface Attached {
  readonly pod: PodAttachment;
  readonly places: readonly { readonly side: Side; readonly address: string }[];
}
