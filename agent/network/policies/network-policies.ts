import { deferred } from "../../../base/deferred.ts";
import { type Clock, sleep } from "../../../base/os/clock.ts";
import { describeError, type Log } from "../../../base/os/log.ts";
import type { TaskScope } from "../../../base/os/task-scope.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import type { EventRecorder } from "../../../client/events.ts";
import type { Informer, InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { NetworkPolicy, Pod } from "../../../client/types.ts";
import type { PodAddress, PodAttachment } from "../../network-seam.ts";
import { type IpFamily, ipFamilies } from "../ip-family.ts";
import type { LiveRuleset } from "../live-ruleset.ts";
import type { LiveApplier } from "../nft-applier.ts";
import { ProblemReports } from "../problem-reports.ts";
import { ClusterPeers, type ClusterPeersConfig } from "./cluster-peers.ts";
import { compilePolicy } from "./compile-policy.ts";
import type { PodIsolation } from "./pod-isolation.ts";
import { policyPod } from "./policy-pod.ts";
import { PolicyTable } from "./policy-table.ts";

export interface NetworkPoliciesParts {
  readonly informers: InformerFactory;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly log: Log;
  readonly tasks: TaskScope;
  readonly openApplier: (ruleset: LiveRuleset) => LiveApplier;
  /** Makes the kernel forget the connections of whoever had an address before. */
  readonly forgetFlows: (address: string) => Promise<void>;
}

/** Changes arriving within this time are carried out together. */
const gatherMs = 20;
const retryMs = 1000;
/** A pod waits this long for its rules; then it is tried anew. */
const admitMs = 20_000;

/** Keeps the kernel's table of one family equal to the cluster's network policies, as far as this node's pods are concerned.
 *  Without a policy there is no table, and nothing of the cluster is followed but policies. */
export class NetworkPolicies implements PodIsolation {
  readonly #config: ClusterPeersConfig;
  readonly #parts: NetworkPoliciesParts;
  readonly #family: IpFamily;
  readonly #table: PolicyTable;
  readonly #applier: LiveApplier;
  readonly #policies: Informer<NetworkPolicy>;
  readonly #localPods: Informer<Pod>;
  readonly #reports: ProblemReports;
  readonly #attached = new Map<string, { readonly pod: PodAttachment; readonly address: string }>();
  /** What runs on from before is known, or nothing does. */
  readonly #begun = deferred<void>();
  #peers: ClusterPeers | undefined;
  #touched = deferred<void>();

  constructor(config: ClusterPeersConfig, parts: NetworkPoliciesParts) {
    this.#config = config;
    this.#family = config.family ?? ipFamilies[4];
    this.#table = new PolicyTable(this.#family);
    this.#parts = parts;
    this.#applier = parts.openApplier(this.#table.ruleset);
    this.#reports = new ProblemReports(parts.events, "NetworkPolicyNotEnforced");
    this.#policies = parts.informers.informer(resources.networkpolicies);
    this.#localPods = parts.informers.informer(resources.pods, {
      fieldSelector: `spec.nodeName=${config.nodeName}`,
    });
    parts.tasks.run("network policies", (signal) => this.#run(signal));
  }

  async admit(pod: PodAttachment, addresses: Pick<PodAddress, "podIp" | "secondIp">): Promise<void> {
    const address = this.#ofFamily(addresses);
    if (address === undefined) return; // the other family's table is for it
    const late = new AbortController();
    const { clock, tasks } = this.#parts;
    const cancel = clock.after(admitMs, () => late.abort(new Error("they are not known yet")));
    const onStop = () => late.abort(tasks.signal.reason);
    tasks.signal.addEventListener("abort", onStop, { once: true });
    try {
      await this.#localPods.synced(late.signal);
      this.#attached.set(pod.sandboxId, { pod, address });
      const isKnown = this.#putSubject(pod, address);
      this.#begun.resolve();
      await this.#settled(late.signal);
      if (!this.#table.hasPolicies) return;
      if (!isKnown) throw new Error("the pod is gone, and what it was called with it");
      await this.#applier.flush();
      if (this.#table.isIsolated(pod.sandboxId)) await this.#parts.forgetFlows(address);
    } catch (error) {
      this.release(pod.sandboxId);
      throw new Error("its network policies cannot be put in place", { cause: error });
    } finally {
      cancel();
      tasks.signal.removeEventListener("abort", onStop);
    }
  }

  release(sandboxId: string): void {
    if (!this.#attached.delete(sandboxId)) return;
    this.#table.removeSubject(sandboxId);
    this.#touch();
  }

  restored(known: Parameters<PodIsolation["restored"]>[0]): void {
    for (const pod of known) {
      const address = this.#ofFamily(pod);
      if (address === undefined) continue;
      this.#attached.set(pod.sandboxId, { pod, address });
      this.#putSubject(pod, address);
    }
    this.#begun.resolve();
  }

  #ofFamily({ podIp, secondIp = "" }: Pick<PodAddress, "podIp" | "secondIp">): string | undefined {
    const isOf6 = this.#family.version === 6;
    return [podIp, secondIp].find((ip) => ip !== "" && ip.includes(":") === isOf6);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#subscribe();
    try {
      await Promise.all([this.#localPods.synced(signal), unlessAborted(this.#begun.promise, signal)]);
      while (!signal.aborted) {
        this.#touched = deferred();
        await this.#settled(signal);
        try {
          await (this.#table.hasPolicies ? this.#applier.flush() : this.#applier.remove());
          this.#report();
        } catch (error) {
          this.#parts.log.error("cannot put network policies in place; trying again", { error });
          this.#report(`${this.#config.nodeName} cannot put it in place: ${describeError(error)}`);
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

  #subscribe(): readonly (() => void)[] {
    const putPolicy = (policy: NetworkPolicy) => {
      this.#table.putPolicy(compilePolicy(policy, this.#family));
      this.#touch();
    };
    const putPod = ({ metadata: { uid } }: Pod) => {
      for (const { pod, address } of this.#attached.values())
        if (pod.uid === uid) this.#putSubject(pod, address);
    };
    return [
      this.#localPods.subscribe({ onAdd: putPod, onUpdate: putPod }),
      this.#policies.subscribe({
        onAdd: putPolicy,
        onUpdate: putPolicy,
        onDelete: ({ metadata }) => {
          this.#table.removePolicy(`${metadata.namespace}/${metadata.name}`);
          this.#touch();
        },
      }),
    ];
  }

  /** Whether the pod is known. One that is not has no labels; policies for its whole namespace are for it, too. */
  #putSubject(pod: PodAttachment, address: string): boolean {
    const found = this.#localPods.get(pod);
    const known = found?.metadata.uid === pod.uid ? found : undefined;
    this.#table.putSubject(
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
    while (this.#peers !== undefined && !this.#peers.hasSynced)
      await unlessAborted(this.#peers.settled, signal);
  }

  #touch(): void {
    if (this.#table.hasPolicies && this.#peers === undefined) {
      const onChange = () => this.#touch();
      const peers = new ClusterPeers(this.#config, { ...this.#parts, table: this.#table, onChange });
      this.#peers = peers;
      this.#parts.tasks.run("network policies' peers", (signal) => peers.run(signal));
    } else if (!this.#table.hasPolicies && this.#peers !== undefined) {
      this.#peers.end();
      this.#peers = undefined;
    }
    this.#touched.resolve();
  }

  /** @param failure Why none of the policies is as it was meant. */
  #report(failure?: string): void {
    this.#reports.update(
      this.#table.inUse().flatMap(({ policy, problems }) =>
        [...problems, ...(failure === undefined ? [] : [failure])].map((message) => ({
          object: policy.policy,
          message,
        })),
      ),
    );
  }
}
