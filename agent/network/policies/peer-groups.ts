import { type Labels, matchesLabels } from "../../../base/label-selector.ts";
import { type NftText, nft } from "../nft-text.ts";
import type { PeerGroup, PolicyPod } from "./policy-model.ts";
import { groupSetName } from "./verdict-chain.ts";

/** Told of each change of what a group's set holds. */
export interface GroupSets {
  addGroup(set: string, group: PeerGroup): void;
  removeGroup(set: string): void;
  addMember(set: string, element: NftText): void;
  removeMember(set: string, element: NftText): void;
}

/** Who is in the groups that rules name, kept as pods and namespaces come, change and go. A pod's change costs what the groups
 *  of its namespace cost, a namespace's change what its own pods cost; only groups in use are kept. No input or output.
 *  Invariant: a group's set holds exactly the elements of the pods that match it now. */
export class PeerGroups {
  readonly #sets: GroupSets;
  readonly #groups = new Map<string, KeptGroup>();
  readonly #pods = new Map<string, PolicyPod>();
  readonly #podsByNamespace = new Map<string, Set<string>>();
  readonly #namespaces = new Map<string, Labels>();
  /** Those whose condition on namespaces holds there. */
  readonly #groupsByNamespace = new Map<string, Set<KeptGroup>>();

  constructor(sets: GroupSets) {
    this.#sets = sets;
  }

  putPod(key: string, pod: PolicyPod): void {
    const before = this.#pods.get(key);
    if (before !== undefined && before.namespace !== pod.namespace) this.removePod(key);
    const previous = this.#pods.get(key);
    this.#pods.set(key, pod);
    entryOf(this.#podsByNamespace, pod.namespace).add(key);
    for (const group of this.#groupsByNamespace.get(pod.namespace) ?? [])
      this.#replace(group, elementsOf(group, previous), elementsOf(group, pod));
  }

  removePod(key: string): void {
    const pod = this.#pods.get(key);
    if (pod === undefined) return;
    this.#pods.delete(key);
    removeFrom(this.#podsByNamespace, pod.namespace, key);
    for (const group of this.#groupsByNamespace.get(pod.namespace) ?? [])
      this.#replace(group, elementsOf(group, pod), []);
  }

  putNamespace(name: string, labels: Labels): void {
    this.#namespaces.set(name, labels);
    this.#reconsider(name);
  }

  removeNamespace(name: string): void {
    this.#namespaces.delete(name);
    this.#reconsider(name);
  }

  labelsOf(namespace: string): Labels | undefined {
    return this.#namespaces.get(namespace);
  }

  /** The name of the group's set, which is kept until it was released as often. */
  acquire(group: PeerGroup): string {
    const set = groupSetName(group);
    const known = this.#groups.get(set);
    if (known !== undefined) {
      known.users++;
      return set;
    }
    const kept: KeptGroup = { ...group, set, users: 1, members: new Map() };
    this.#groups.set(set, kept);
    this.#sets.addGroup(set, group);
    const names = "name" in group.namespaces ? [group.namespaces.name] : [...this.#namespaces.keys()];
    for (const name of names) if (this.#holdsIn(kept, name)) this.#enter(kept, name);
    return set;
  }

  release(group: PeerGroup): void {
    const set = groupSetName(group);
    const kept = this.#groups.get(set);
    if (kept === undefined || --kept.users > 0) return;
    this.#groups.delete(set);
    this.#sets.removeGroup(set);
    const names = "name" in kept.namespaces ? [kept.namespaces.name] : [...this.#groupsByNamespace.keys()];
    for (const name of names) removeFrom(this.#groupsByNamespace, name, kept);
  }

  /** A namespace's labels changed, or it came or went. */
  #reconsider(name: string): void {
    for (const group of this.#groups.values()) {
      if ("name" in group.namespaces) continue;
      const did = this.#groupsByNamespace.get(name)?.has(group) ?? false;
      const does = this.#holdsIn(group, name);
      if (does && !did) this.#enter(group, name);
      if (did && !does) this.#leave(group, name);
    }
  }

  #holdsIn({ namespaces }: KeptGroup, name: string): boolean {
    if ("name" in namespaces) return namespaces.name === name;
    const labels = this.#namespaces.get(name);
    return labels !== undefined && matchesLabels(namespaces.selector, labels);
  }

  #enter(group: KeptGroup, namespace: string): void {
    entryOf(this.#groupsByNamespace, namespace).add(group);
    for (const pod of this.#podsOf(namespace)) this.#replace(group, [], elementsOf(group, pod));
  }

  #leave(group: KeptGroup, namespace: string): void {
    removeFrom(this.#groupsByNamespace, namespace, group);
    for (const pod of this.#podsOf(namespace)) this.#replace(group, elementsOf(group, pod), []);
  }

  *#podsOf(namespace: string): Generator<PolicyPod> {
    for (const key of this.#podsByNamespace.get(namespace) ?? []) {
      const pod = this.#pods.get(key);
      if (pod !== undefined) yield pod;
    }
  }

  /** Two pods may have one address for a moment: the set holds it while any of them does. */
  #replace({ set, members }: KeptGroup, before: readonly NftText[], after: readonly NftText[]): void {
    for (const element of after) {
      const count = members.get(element.text) ?? 0;
      members.set(element.text, count + 1);
      if (count === 0) this.#sets.addMember(set, element);
    }
    for (const element of before) {
      const count = members.get(element.text) ?? 0;
      if (count > 1) members.set(element.text, count - 1);
      else if (members.delete(element.text)) this.#sets.removeMember(set, element);
    }
  }
}

interface KeptGroup extends PeerGroup {
  readonly set: string;
  users: number;
  /** How many pods each element stands for. */
  readonly members: Map<string, number>;
}

function elementsOf(group: PeerGroup, pod: PolicyPod | undefined): readonly NftText[] {
  if (pod === undefined || !matchesLabels(group.pods, pod.labels)) return [];
  const { port } = group;
  if (port === undefined) return pod.addresses.map((address) => nft`${address}`);
  return pod.ports
    .filter(({ name, protocol }) => name === port.name && protocol === port.protocol)
    .flatMap((own) => pod.addresses.map((address) => nft`${address} . ${own.port}`));
}

function entryOf<V>(map: Map<string, Set<V>>, key: string): Set<V> {
  const found = map.get(key) ?? new Set<V>();
  map.set(key, found);
  return found;
}

function removeFrom<V>(map: Map<string, Set<V>>, key: string, value: V): void {
  const found = map.get(key);
  found?.delete(value);
  if (found?.size === 0) map.delete(key);
}
