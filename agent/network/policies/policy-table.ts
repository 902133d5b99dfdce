import { type Labels, matchesLabels } from "../../../base/label-selector.ts";
import { type IpFamily, ipFamilies } from "../ip-family.ts";
import { LiveRuleset } from "../live-ruleset.ts";
import type { Chain } from "../nft-ruleset.ts";
import { nft } from "../nft-text.ts";
import { KeptChains } from "./kept-chains.ts";
import { PeerGroups } from "./peer-groups.ts";
import type { CompiledPolicy, Direction, PolicyPod } from "./policy-model.ts";
import { groupDefinition, type VerdictChain, verdictChain } from "./verdict-chain.ts";
import { namesOwnPorts, type VerdictRule, verdictRules } from "./verdict-rules.ts";

export const policyLimits = {
  /** nftables rules of one pod in one direction, and the ranges of addresses in them. A pod whose policies ask for more is
   *  let alone by all. */
  rulesMost: 8_192,
  addressRangesMost: 65_536,
  /** Verdicts remembered so that pods with the same policies are judged once. */
  rememberedMost: 1_024,
} as const;

const directions = ["ingress", "egress"] as const satisfies readonly Direction[];
/** Pairs of one address: nobody is kept from itself, be it through a Service. */
const ownSet = "own";

/** Where an egress chain returns, the other pod's ingress is still to be asked. Traffic of the node itself is not forwarded
 *  and never comes here. What was let through once goes on. */
const baseChains = ({ ip }: IpFamily): Readonly<Record<string, Chain>> => ({
  forward: {
    hook: nft`type filter hook forward priority 0;`,
    rules: [
      nft`ct state established,related accept`,
      nft`${ip} saddr . ${ip} daddr @own accept`,
      nft`${ip} saddr vmap @egress`,
      nft`${ip} daddr vmap @ingress`,
    ],
  },
});

/** Policies, pods and namespaces in one family as an nftables table that changes with them. Pods of this node that a policy is for
 *  have an element in a map for each direction, which leads to a chain with what is let through; whoever rules name by labels is in
 *  a set. A packet costs two lookups and the rules of its own pods. No input or output.
 *  Invariant: the table says the same in whatever order all came that is known. */
export class PolicyTable {
  readonly ruleset: LiveRuleset;
  readonly #family: IpFamily;
  readonly #policies = new Map<string, CompiledPolicy>();
  readonly #policiesByNamespace = new Map<string, Map<string, CompiledPolicy>>();
  /** Pods of this node, by their sandboxes. */
  readonly #subjects = new Map<string, Subject>();
  readonly #owners = new Map<string, Subject>();
  readonly #judged = new Map<string, Verdict>();
  readonly #chains: KeptChains;
  readonly #groups: PeerGroups;

  constructor(family: IpFamily = ipFamilies[4]) {
    const { addressType } = family;
    this.#family = family;
    const definition = nft`type ${addressType} : verdict`;
    this.ruleset = new LiveRuleset({ ingress: { definition }, egress: { definition } });
    for (const [name, chain] of Object.entries(baseChains(family))) this.ruleset.putChain(name, chain);
    this.ruleset.addSet(ownSet, nft`type ${addressType} . ${addressType};`);
    this.#groups = new PeerGroups({
      addGroup: (set, group) => this.ruleset.addSet(set, groupDefinition(group, family)),
      removeGroup: (set) => this.ruleset.removeSet(set),
      addMember: (set, element) => this.ruleset.addElement(set, element),
      removeMember: (set, element) => this.ruleset.removeElement(set, element),
    });
    this.#chains = new KeptChains(this.ruleset, this.#groups, family);
  }

  get hasPolicies(): boolean {
    return this.#policies.size > 0;
  }

  /** Those that are for a pod of this node, with what of them is not as it was meant. */
  inUse(): readonly { readonly policy: CompiledPolicy; readonly problems: readonly string[] }[] {
    const found = new Map<CompiledPolicy, Set<string>>();
    for (const { policies, verdicts } of this.#subjects.values())
      for (const policy of policies) {
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
    this.#judgeNamespace(policy.namespace);
  }

  removePolicy(id: string): void {
    const policy = this.#policies.get(id);
    if (policy === undefined) return;
    this.#policies.delete(id);
    const ofNamespace = this.#policiesByNamespace.get(policy.namespace);
    ofNamespace?.delete(id);
    if (ofNamespace?.size === 0) this.#policiesByNamespace.delete(policy.namespace);
    this.#judgeNamespace(policy.namespace);
  }

  /** A pod of this node: policies may be for it, and it may be a peer of others. */
  putSubject(sandboxId: string, pod: PolicyPod): void {
    const known = this.#subjects.get(sandboxId);
    if (known !== undefined && known.pod.addresses.join() !== pod.addresses.join())
      this.removeSubject(sandboxId);
    const subject = this.#subjects.get(sandboxId) ?? { pod, policies: [], verdicts: {} };
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
    const verdicts = Object.values(subject.verdicts);
    subject.verdicts = {};
    this.#write(subject);
    for (const { chain } of verdicts) this.#chains.release(chain);
    for (const address of subject.pod.addresses)
      if (this.#owners.get(address) === subject) this.#owners.delete(address);
    this.#groups.removePod(subjectKey(sandboxId));
  }

  /** Whether any policy is for this pod. */
  isIsolated(sandboxId: string): boolean {
    return (this.#subjects.get(sandboxId)?.policies.length ?? 0) > 0;
  }

  /** A pod of another node. */
  putPeer(key: string, pod: PolicyPod): void {
    this.#groups.putPod(peerKey(key), pod);
  }

  removePeer(key: string): void {
    this.#groups.removePod(peerKey(key));
  }

  putNamespace(name: string, labels: Labels): void {
    this.#groups.putNamespace(name, labels);
  }

  removeNamespace(name: string): void {
    this.#groups.removeNamespace(name);
  }

  #judgeNamespace(namespace: string): void {
    this.#judged.clear();
    for (const subject of this.#subjects.values())
      if (subject.pod.namespace === namespace) this.#judge(subject);
  }

  /** Gives the pod what its policies mean now. */
  #judge(subject: Subject): void {
    const { pod, verdicts: before } = subject;
    subject.policies = [...(this.#policiesByNamespace.get(pod.namespace)?.values() ?? [])]
      .filter(({ selector }) => matchesLabels(selector, pod.labels))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const verdicts: Partial<Record<Direction, Verdict>> = {};
    for (const direction of directions) {
      const verdict = this.#verdict(direction, subject);
      if (verdict === undefined) continue;
      this.#chains.acquire(verdict.chain);
      verdicts[direction] = verdict;
    }
    subject.verdicts = verdicts;
    this.#write(subject);
    for (const { chain } of Object.values(before)) this.#chains.release(chain);
  }

  #verdict(direction: Direction, { pod, policies }: Subject): Verdict | undefined {
    if (!policies.some((policy) => policy[direction] !== undefined)) return undefined;
    const ports = namesOwnPorts(direction, policies) ? pod.ports : [];
    const key = JSON.stringify([direction, policies.map(({ id }) => id), ports]);
    const known = this.#judged.get(key);
    if (known !== undefined) return known;
    const rules = verdictRules(direction, policies, ports) ?? [];
    const verdict = verdictOf(direction, rules, this.#family);
    if (this.#judged.size >= policyLimits.rememberedMost) this.#judged.clear();
    this.#judged.set(key, verdict);
    return verdict;
  }

  /** An address that is another pod's by now is left alone. */
  #write(subject: Subject): void {
    const isIsolated = Object.keys(subject.verdicts).length > 0;
    for (const address of subject.pod.addresses) {
      if (this.#owners.get(address) !== subject) continue;
      for (const direction of directions) {
        const verdict = subject.verdicts[direction];
        if (verdict === undefined) this.ruleset.removeElement(direction, nft`${address}`);
        else this.ruleset.putEntry(direction, nft`${address}`, nft`jump ${verdict.chain.name}`);
      }
      const pair = nft`${address} . ${address}`;
      if (isIsolated) this.ruleset.addElement(ownSet, pair);
      else this.ruleset.removeElement(ownSet, pair);
    }
  }
}

interface Subject {
  pod: PolicyPod;
  /** Those that are for it. */
  policies: readonly CompiledPolicy[];
  /** For the directions that a policy says something of. */
  verdicts: Partial<Record<Direction, Verdict>>;
}

interface Verdict {
  readonly chain: VerdictChain;
  readonly problem?: string;
}

function verdictOf(direction: Direction, rules: readonly VerdictRule[], family: IpFamily): Verdict {
  const ranges = rules.reduce(
    (sum, { peer }) => sum + (peer !== undefined && "addresses" in peer ? peer.addresses.length : 0),
    0,
  );
  const { rulesMost, addressRangesMost } = policyLimits;
  if (rules.length <= rulesMost && ranges <= addressRangesMost)
    return { chain: verdictChain(direction, rules, family) };
  const problem = `the ${direction} of a pod's policies together takes ${rules.length} rules and ${ranges} ranges of addresses, more than ${rulesMost} and ${addressRangesMost}; allows nothing`;
  return { chain: verdictChain(direction, [], family), problem };
}

const subjectKey = (sandboxId: string) => `here/${sandboxId}`;
const peerKey = (key: string) => `elsewhere/${key}`;
