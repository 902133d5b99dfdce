import type { Meta, OwnerReference } from "../../../client/types.ts";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

/** Where an object is found in the API. */
export interface Address {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** An object as the graph knows it. */
export interface GraphNode {
  readonly uid: string;
  readonly address: Address;
  /** Known only from references to it; not yet seen itself. */
  readonly virtual: boolean;
  readonly owners: readonly OwnerReference[];
  readonly beingDeleted: boolean;
  /** Being deleted, after its dependents. */
  readonly foreground: boolean;
  /** Being deleted, once its dependents were let go. */
  readonly orphaning: boolean;
}

export interface Seen {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Meta;
}

/** Who owns whom. Every method says by `look` which uids are worth a look now.
 *  Invariant: dependents(u) is exactly the nodes that name u among their owners.
 *  Invariant: every uid that is named as an owner has a node, virtual if it was never seen. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #look: (uid: string) => void;

  constructor(look: (uid: string) => void) {
    this.#look = look;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  dependents(uid: string): readonly GraphNode[] {
    const found: GraphNode[] = [];
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const node = this.#nodes.get(dependent);
      if (node !== undefined) found.push(node);
    }
    return found;
  }

  /** Everything whose owners should be checked once: owners never seen, and what is being deleted in our care. */
  waiting(): readonly string[] {
    return [...this.#nodes.values()]
      .filter((node) => node.virtual || node.foreground || node.orphaning || this.#isStranger(node))
      .map(({ uid }) => uid);
  }

  /** The object is there, as it is now. */
  put(object: Seen): void {
    const {
      uid,
      name,
      namespace,
      ownerReferences = [],
      finalizers = [],
      deletionTimestamp,
    } = object.metadata;
    const before = this.#nodes.get(uid);
    const beingDeleted = deletionTimestamp !== undefined;
    const node: GraphNode = {
      uid,
      address: { apiVersion: object.apiVersion, kind: object.kind, namespace, name },
      virtual: false,
      owners: ownerReferences,
      beingDeleted,
      foreground: beingDeleted && finalizers.includes(foregroundFinalizer),
      orphaning: beingDeleted && finalizers.includes(orphanFinalizer),
    };
    this.#nodes.set(uid, node);
    this.#relink(node, before?.owners ?? []);
    if (before?.virtual === true) this.#lookAtStrangers(node);
    if (node.orphaning || node.foreground) this.#look(uid);
    if (node.foreground && before?.foreground !== true)
      for (const dependent of this.dependents(uid)) this.#look(dependent.uid);
  }

  /** The object is gone. What it owned is worth a look, and so is what waits for it. */
  remove(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    for (const { uid: owner } of node.owners) this.#unlink(owner, uid);
    for (const { uid: owner } of node.owners)
      if (this.#nodes.get(owner)?.foreground === true) this.#look(owner);
    const dependents = [...(this.#dependents.get(uid) ?? [])];
    const reference = this.dependents(uid).flatMap((one) =>
      one.owners.filter((owner) => owner.uid === uid),
    )[0];
    if (reference === undefined) return;
    // Still named: it stays as a virtual node until its dependents are dealt with.
    this.#nodes.set(uid, virtualNode(reference, node.address.namespace));
    for (const dependent of dependents) this.#look(dependent);
  }

  /** Links to the owners; a removed or changed reference is worth a look too. */
  #relink(node: GraphNode, before: readonly OwnerReference[]): void {
    const now = new Set(node.owners.map(({ uid }) => uid));
    for (const { uid } of before)
      if (!now.has(uid)) {
        this.#unlink(uid, node.uid);
        if (this.#nodes.get(uid)?.foreground === true) this.#look(uid);
      }
    const known = new Map(before.map((reference) => [reference.uid, reference]));
    for (const reference of node.owners) {
      const old = known.get(reference.uid);
      if (old === undefined) this.#link(node, reference);
      else if (old.blockOwnerDeletion === true && reference.blockOwnerDeletion !== true)
        this.#look(reference.uid);
    }
  }

  #link(node: GraphNode, reference: OwnerReference): void {
    const dependents = this.#dependents.get(reference.uid) ?? new Set();
    dependents.add(node.uid);
    this.#dependents.set(reference.uid, dependents);
    const owner = this.#nodes.get(reference.uid);
    if (owner === undefined) {
      this.#nodes.set(reference.uid, virtualNode(reference, node.address.namespace));
      this.#look(reference.uid);
    } else if (owner.virtual) this.#look(reference.uid);
    else if (owner.foreground || !sameObject(reference, node, owner)) this.#look(node.uid);
  }

  #unlink(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner);
    dependents?.delete(dependent);
    if (dependents?.size !== 0) return;
    this.#dependents.delete(owner);
    if (this.#nodes.get(owner)?.virtual === true) this.#nodes.delete(owner);
  }

  /** Names an owner that is something else than the reference says. */
  #isStranger(node: GraphNode): boolean {
    return node.owners.some((reference) => {
      const owner = this.#nodes.get(reference.uid);
      return owner !== undefined && !owner.virtual && !sameObject(reference, node, owner);
    });
  }

  /** The real object showed up: whoever meant another with the same uid is worth a look. */
  #lookAtStrangers(owner: GraphNode): void {
    for (const dependent of this.dependents(owner.uid)) {
      const reference = dependent.owners.find(({ uid }) => uid === owner.uid);
      if (reference === undefined || !sameObject(reference, dependent, owner)) this.#look(dependent.uid);
    }
  }
}

function virtualNode(reference: OwnerReference, namespace: string | undefined): GraphNode {
  const { apiVersion, kind, name, uid } = reference;
  return {
    uid,
    address: { apiVersion, kind, namespace, name },
    virtual: true,
    owners: [],
    beingDeleted: false,
    foreground: false,
    orphaning: false,
  };
}

/** The reference means this owner: same kind and name, and the same namespace unless the owner is in none. Versions of
 *  a group are the same kind. */
function sameObject(reference: OwnerReference, dependent: GraphNode, owner: GraphNode): boolean {
  const group = (apiVersion: string) => (apiVersion.includes("/") ? apiVersion.split("/")[0] : "");
  const { address } = owner;
  return (
    reference.kind === address.kind &&
    reference.name === address.name &&
    group(reference.apiVersion) === group(address.apiVersion) &&
    (address.namespace === undefined || address.namespace === dependent.address.namespace)
  );
}
