import { type Labels, matchesLabels } from "../../../base/label-selector.ts";
import { type IpFamily, ipFamilies } from "../ip-family.ts";
import { LiveRuleset } from "../live-ruleset.ts";
import { type NftText, nft } from "../nft-text.ts";
import { baseChains, ownNodeChain, ownNodeChainName, ownSet } from "./base-chains.ts";
import { KeptChains } from "./kept-chains.ts";
import { PeerGroups } from "./peer-groups.ts";
import { type PodPolicies, PodVerdicts, type Verdict } from "./pod-verdicts.ts";
import {
  type CompiledClusterPolicy,
  type CompiledPolicy,
  type Direction,
  nodesPlace,
  type PeerGroup,
  type PolicyPod,
} from "./policy-model.ts";
import { groupDefinition } from "./verdict-chain.ts";

const directions = ["ingress", "egress"] as const satisfies readonly Direction[];

/** A policy that is for a pod of this node, or would be for nobody knows whom. */
export interface PolicyInUse {
  readonly policy: CompiledPolicy | CompiledClusterPolicy;
  readonly problems: readonly string[];
}

/** Policies, pods and namespaces in one family as an nftables table that changes with them. Pods of this node that a policy is for
 *  have an element in a map for each direction, which leads to a chain with what is let through; whoever rules name by labels is in
 *  a set. A packet costs two lookups and the rules of its own pods. No input or output.
 *  Invariant: the table says the same in whatever order all came that is known. */
export class PolicyTable {
  readonly ruleset: LiveRuleset;
  readonly #dnsAddress: string | undefined;
  readonly #family: IpFamily;
  readonly #policies = new Map<string, CompiledPolicy>();
  readonly #policiesByNamespace = new Map<string, Map<string, CompiledPolicy>>();
  readonly #clusterPolicies = new Map<string, CompiledClusterPolicy>();
  /** The same, in the order that they are asked in. */
  #inOrder: readonly CompiledClusterPolicy[] = [];
  #namesNodes = false;
  /** Pods of this node, by their sandboxes. */
  readonly #subjects = new Map<string, Subject>();
  readonly #owners = new Map<string, Subject>();
  readonly #verdicts: PodVerdicts;
  readonly #chains: KeptChains;
  readonly #groups: PeerGroups;

  /** @param dnsAddress Where the node answers its pods' questions for names, whatever policies say. */
  constructor(family: IpFamily = ipFamilies[4], dnsAddress?: string) {
    const { addressType } = family;
    this.#family = family;
    this.#dnsAddress = dnsAddress;
    const definition = nft`type ${addressType} : verdict`;
    const maps = ["ingress", "egress", "own-ingress", "own-egress"].map((name) => [name, { definition }]);
    this.ruleset = new LiveRuleset(Object.fromEntries(maps));
    for (const [name, chain] of Object.entries(baseChains(family))) this.ruleset.putChain(name, chain);
    this.ruleset.addSet(ownSet, nft`type ${addressType} . ${addressType};`);
    this.#groups = new PeerGroups({
      addGroup: (set, group) => this.ruleset.addSet(set, groupDefinition(group, family)),
      removeGroup: (set) => this.ruleset.removeSet(set),
      addMember: (set, element) => this.ruleset.addElement(set, element),
      removeMember: (set, element) => this.ruleset.removeElement(set, element),
    });
    this.#chains = new KeptChains(this.ruleset, this.#groups, family);
    this.#verdicts = new PodVerdicts(family);
  }

  get hasPolicies(): boolean {
    return this.#policies.size + this.#clusterPolicies.size > 0;
  }

  /** Whether a namespace's labels decide which policies are for its pods. */
  get asksForNamespaces(): boolean {
    return this.#clusterPolicies.size > 0;
  }

  /** Whether some policy has nodes for peers. */
  get namesNodes(): boolean {
    return this.#namesNodes;
  }

  knowsNamespace(name: string): boolean {
    return this.#groups.labelsOf(name) !== undefined;
  }

  /** Those that are for a pod of this node, with what of them is not as it was meant. */
  inUse(): readonly PolicyInUse[] {
    const found = new Map<PolicyInUse["policy"], Set<string>>();
    for (const policy of this.#inOrder)
      if (policy.subject === undefined) found.set(policy, new Set(policy.problems));
    for (const { of, verdicts } of this.#subjects.values())
      for (const policy of [...of.admin, ...of.policies, ...of.baseline]) {
        const problems = found.get(policy) ?? new Set(policy.problems);
        for (const { problem } of Object.values(verdicts)) if (problem !== undefined) problems.add(problem);
        found.set(policy, problems);
      }
    return [...found].map(([policy, problems]) => ({ policy, problems: [...problems] }));
  }

  putPolicy(policy: CompiledPolicy): void {
    this.#policies.set(policy.id, policy);
    const ofNamespace = this.#policiesByNamespace.get(policy.namespace) ?? new Map<string, CompiledPolicy>();
    this.#policiesByNamespace.set(policy.namespace, ofNamespace.set(policy.id, policy));
    this.#verdicts.forget();
    this.#judgeNamespace(policy.namespace);
  }

  removePolicy(id: string): void {
    const policy = this.#policies.get(id);
    if (policy === undefined) return;
    this.#policies.delete(id);
    const ofNamespace = this.#policiesByNamespace.get(policy.namespace);
    ofNamespace?.delete(id);
    if (ofNamespace?.size === 0) this.#policiesByNamespace.delete(policy.namespace);
    this.#verdicts.forget();
    this.#judgeNamespace(policy.namespace);
  }

  putClusterPolicy(policy: CompiledClusterPolicy): void {
    this.#clusterPolicies.set(policy.id, policy);
    this.#reorder();
    this.#judgeFor(policy.id);
  }

  removeClusterPolicy(id: string): void {
    if (!this.#clusterPolicies.delete(id)) return;
    this.#reorder();
    this.#judgeFor(id);
  }

  /** A pod of this node: policies may be for it, and it may be a peer of others. */
  putSubject(sandboxId: string, pod: PolicyPod): void {
    const known = this.#subjects.get(sandboxId);
    if (known !== undefined && known.pod.addresses.join() !== pod.addresses.join())
      this.removeSubject(sandboxId);
    const subject = this.#subjects.get(sandboxId) ?? { pod, of: noPolicies, verdicts: {} };
    subject.pod = pod;
    this.#subjects.set(sandboxId, subject);
    for (const address of pod.addresses) this.#owners.set(address, subject);
    this.#groups.putPod(subjectKey(sandboxId), pod);
    this.#judge(subject);
  }

  removeSubject(sandboxId: string): void {
    const subject = this.#subjects.get(sandboxId);
    if (subject === undefined) return;
    this.#subjects.delete(sandboxId);
    const before = subject.verdicts;
    subject.verdicts = {};
    this.#write(subject);
    this.#release(before);
    for (const address of subject.pod.addresses)
      if (this.#owners.get(address) === subject) this.#owners.delete(address);
    this.#groups.removePod(subjectKey(sandboxId));
  }

  /** Whether any policy is for this pod. */
  isIsolated(sandboxId: string): boolean {
    const { admin, policies, baseline } = this.#subjects.get(sandboxId)?.of ?? noPolicies;
    return admin.length + policies.length + baseline.length > 0;
  }

  /** A pod of another node. */
  putPeer(key: string, pod: PolicyPod): void {
    this.#groups.putPod(peerKey(key), pod);
  }

  removePeer(key: string): void {
    this.#groups.removePod(peerKey(key));
  }

  putNode(name: string, labels: Labels, addresses: readonly string[]): void {
    this.putPeer(nodeKey(name), { namespace: nodesPlace, name, labels, addresses, ports: [] });
  }

  removeNode(name: string): void {
    this.removePeer(nodeKey(name));
  }

  putNamespace(name: string, labels: Labels): void {
    this.#groups.putNamespace(name, labels);
    if (this.asksForNamespaces) this.#judgeNamespace(name);
  }

  removeNamespace(name: string): void {
    this.#groups.removeNamespace(name);
    if (this.asksForNamespaces) this.#judgeNamespace(name);
  }

  #reorder(): void {
    this.#inOrder = [...this.#clusterPolicies.values()].sort(
      (a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1),
    );
    this.#namesNodes = this.#inOrder.some(({ egress }) =>
      egress.some(({ peers }) => peers?.groups.some(({ namespaces }) => isNodesPlace(namespaces))),
    );
    if (this.#inOrder.length > 0)
      this.ruleset.putChain(ownNodeChainName, ownNodeChain(this.#family, this.#dnsAddress));
    else this.ruleset.removeChain(ownNodeChainName);
    this.#verdicts.forget();
  }

  /** The pods that this policy of the whole cluster was for, or is now. */
  #judgeFor(id: string): void {
    const isFor = ({ admin, baseline }: PodPolicies) =>
      admin.some((policy) => policy.id === id) || baseline.some((policy) => policy.id === id);
    for (const subject of this.#subjects.values())
      if (isFor(subject.of) || isFor(this.#policiesOf(subject.pod))) this.#judge(subject);
  }

  #judgeNamespace(namespace: string): void {
    for (const subject of this.#subjects.values())
      if (subject.pod.namespace === namespace) this.#judge(subject);
  }

  /** Gives the pod what its policies mean now. */
  #judge(subject: Subject): void {
    const { pod, verdicts: before } = subject;
    subject.of = this.#policiesOf(pod);
    const verdicts: Partial<Record<Direction, Verdict>> = {};
    for (const direction of directions) {
      const verdict = this.#verdicts.verdict(direction, subject.of, pod.ports);
      for (const chain of chainsOf(verdict)) this.#chains.acquire(chain);
      verdicts[direction] = verdict;
    }
    subject.verdicts = verdicts;
    this.#write(subject);
    this.#release(before);
  }

  #policiesOf({ namespace, labels }: PolicyPod): PodPolicies {
    const policies = [...(this.#policiesByNamespace.get(namespace)?.values() ?? [])]
      .filter(({ selector }) => matchesLabels(selector, labels))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const ofNamespace = this.#groups.labelsOf(namespace);
    const forIt = this.#inOrder.filter(
      ({ subject }) =>
        subject !== undefined &&
        ofNamespace !== undefined &&
        matchesLabels(subject.namespaces, ofNamespace) &&
        matchesLabels(subject.pods, labels),
    );
    const [admin, baseline] = (["admin", "baseline"] as const).map((tier) =>
      forIt.filter((policy) => policy.tier === tier),
    );
    return { admin: admin ?? [], policies, baseline: baseline ?? [] };
  }

  #release(verdicts: Subject["verdicts"]): void {
    for (const verdict of Object.values(verdicts))
      for (const chain of chainsOf(verdict)) this.#chains.release(chain);
  }

  /** An address that is another pod's by now is left alone. */
  #write(subject: Subject): void {
    const { pod, verdicts } = subject;
    const isIsolated = Object.values(verdicts).some((verdict) => chainsOf(verdict).length > 0);
    for (const text of pod.addresses) {
      if (this.#owners.get(text) !== subject) continue;
      const address = nft`${text}`;
      for (const direction of directions) {
        this.#lead(direction, address, verdicts[direction]?.chain?.name);
        this.#lead(`own-${direction}`, address, verdicts[direction]?.ownChain?.name);
      }
      const pair = nft`${address} . ${address}`;
      if (isIsolated) this.ruleset.addElement(ownSet, pair);
      else this.ruleset.removeElement(ownSet, pair);
    }
  }

  #lead(map: string, address: NftText, chain: string | undefined): void {
    if (chain === undefined) this.ruleset.removeElement(map, address);
    else this.ruleset.putEntry(map, address, nft`jump ${chain}`);
  }
}

interface Subject {
  pod: PolicyPod;
  /** Those that are for it. */
  of: PodPolicies;
  verdicts: Partial<Record<Direction, Verdict>>;
}

const isNodesPlace = (namespaces: PeerGroup["namespaces"]) =>
  "name" in namespaces && namespaces.name === nodesPlace;
const noPolicies: PodPolicies = { admin: [], policies: [], baseline: [] };
const chainsOf = ({ chain, ownChain }: Verdict) => [chain ?? [], ownChain ?? []].flat();
const subjectKey = (sandboxId: string) => `here/${sandboxId}`;
const peerKey = (key: string) => `elsewhere/${key}`;
const nodeKey = (name: string) => `${nodesPlace}/${name}`;
