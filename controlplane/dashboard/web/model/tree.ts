import type { KubeObject } from "../api/object-feed.ts";
import { type Health, healthOf } from "./health.ts";

/** An object with what it made or leads to. */
export interface TreeNode {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly health: Health;
  /** The object whose page it is. */
  readonly isHere: boolean;
  readonly children: readonly TreeNode[];
}

export const treeLimits = { depth: 6, nodes: 3_000 } as const;

/** The tree below an object, out of all objects that are known: what says that it owns it, and where Kubernetes leads by name – a
 *  Service to its slices and these to pods, a pod to its claims, a claim to its volume. Each object stands once. Pure. */
export function treeOf(root: KubeObject, objects: readonly KubeObject[], hereUid: string): TreeNode {
  const links = new Links(objects);
  const seen = new Set<string>();
  const grow = (object: KubeObject, depth: number): TreeNode => {
    const uid = object.metadata.uid ?? "";
    seen.add(uid);
    const next = depth >= treeLimits.depth ? [] : links.below(object);
    const children: TreeNode[] = [];
    for (const one of next) {
      if (seen.has(one.metadata.uid ?? "") || seen.size >= treeLimits.nodes) continue;
      children.push(grow(one, depth + 1));
    }
    const { name, namespace = "" } = object.metadata;
    return {
      kind: object.kind ?? "",
      apiVersion: object.apiVersion ?? "",
      name,
      namespace,
      uid,
      health: healthOf(object),
      isHere: uid === hereUid,
      children,
    };
  };
  return grow(root, 0);
}

class Links {
  readonly #byOwner = new Map<string, KubeObject[]>();
  readonly #byName = new Map<string, KubeObject>();
  readonly #slices = new Map<string, KubeObject[]>();

  constructor(objects: readonly KubeObject[]) {
    for (const object of objects) {
      const { name, namespace = "", ownerReferences = [], labels = {} } = object.metadata;
      this.#byName.set(`${object.kind} ${namespace}/${name}`, object);
      for (const { uid } of ownerReferences) push(this.#byOwner, uid, object);
      if (object.kind === "EndpointSlice")
        push(this.#slices, `${namespace}/${labels["kubernetes.io/service-name"] ?? ""}`, object);
    }
  }

  below(object: KubeObject): readonly KubeObject[] {
    const { uid = "", name, namespace = "" } = object.metadata;
    const owned = this.#byOwner.get(uid) ?? [];
    const named = (kind: string, of: string, at = namespace) => this.#byName.get(`${kind} ${at}/${of}`) ?? [];
    switch (object.kind) {
      case "Service":
        return [...(this.#slices.get(`${namespace}/${name}`) ?? []), ...owned];
      case "EndpointSlice":
        return podsOf(object).flatMap((pod) => named("Pod", pod));
      case "Pod":
        return [...claimsOf(object).flatMap((claim) => named("PersistentVolumeClaim", claim)), ...owned];
      case "PersistentVolumeClaim":
        return [named("PersistentVolume", String(object.spec?.volumeName ?? ""), "")].flat();
      default:
        return owned;
    }
  }
}

function push<Key>(into: Map<Key, KubeObject[]>, key: Key, object: KubeObject): void {
  const known = into.get(key);
  if (known === undefined) into.set(key, [object]);
  else known.push(object);
}

const listOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);

const podsOf = (slice: KubeObject): readonly string[] =>
  listOf<{ readonly targetRef?: { readonly kind?: string; readonly name?: string } }>(
    slice.endpoints,
  ).flatMap(({ targetRef }) => (targetRef?.kind === "Pod" && targetRef.name ? [targetRef.name] : []));

interface VolumeOf {
  readonly name?: string;
  readonly persistentVolumeClaim?: { readonly claimName?: string };
  readonly ephemeral?: object;
}

const claimsOf = ({ metadata, spec }: KubeObject): readonly string[] =>
  listOf<VolumeOf>(spec?.volumes).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim?.claimName) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [`${metadata.name}-${name}`];
  });

/** The children that are drawn: those on the way to this page's object and those that are not well before others. */
export interface Folded {
  readonly shown: readonly TreeNode[];
  /** Of the others how many there are, by kind and state. */
  readonly rest: readonly { readonly kind: string; readonly word: string; readonly count: number }[];
}

const ranks = { bad: 0, warn: 1, busy: 2, good: 3, quiet: 4 };

export function fold(children: readonly TreeNode[], most: number): Folded {
  const leads = (node: TreeNode): boolean => node.isHere || node.children.some(leads);
  const rank = (node: TreeNode) => (leads(node) ? -1 : ranks[node.health.tone]);
  const ranked = children
    .map((node) => ({ node, rank: rank(node) }))
    .sort((a, b) => a.rank - b.rank || a.node.name.localeCompare(b.node.name, "en", { numeric: true }))
    .map(({ node }) => node);
  const isFew = ranked.length <= most;
  const counts = new Map<string, { kind: string; word: string; count: number }>();
  for (const { kind, health } of isFew ? [] : ranked.slice(most)) {
    const key = `${kind} ${health.word}`;
    const known = counts.get(key) ?? { kind, word: health.word, count: 0 };
    known.count++;
    counts.set(key, known);
  }
  return { shown: isFew ? ranked : ranked.slice(0, most), rest: [...counts.values()] };
}

/** Collections in which the tree of an object lies, by `group/plural`, and how they are narrowed. */
export interface Plan {
  readonly kind: string;
  readonly query: Readonly<Record<string, string>>;
}

const byOwner = [
  "apps/deployments",
  "apps/statefulsets",
  "apps/daemonsets",
  "apps/replicasets",
  "batch/cronjobs",
  "batch/jobs",
  "core/pods",
  "core/services",
  "core/persistentvolumeclaims",
  "networking.k8s.io/ingresses",
  "core/configmaps",
  "core/serviceaccounts",
];
const all = {};

/** @param selector Of the root, as the API takes it; `""`: it has none.
 *  @param sameGroup Other kinds of the root's own group, where it is no kind of Kubernetes. */
export function planOf(
  kindKey: string,
  {
    selector,
    name,
    sameGroup,
  }: { readonly selector: string; readonly name: string; readonly sameGroup: readonly string[] },
): readonly Plan[] {
  const narrowed = selector === "" ? all : { labelSelector: selector };
  const of = (kind: string, query: Plan["query"] = all): Plan => ({ kind, query });
  const claims = [of("core/persistentvolumeclaims"), of("core/persistentvolumes")];
  switch (kindKey) {
    case "apps/deployments":
      return [of("apps/replicasets", narrowed), of("core/pods", narrowed), ...claims];
    case "apps/replicasets":
    case "apps/statefulsets":
    case "apps/daemonsets":
    case "batch/jobs":
      return [of("core/pods", narrowed), ...claims];
    case "batch/cronjobs":
      return [of("batch/jobs"), of("core/pods"), ...claims];
    case "core/services":
      return [
        of("discovery.k8s.io/endpointslices", { labelSelector: `kubernetes.io/service-name=${name}` }),
        of("core/pods", narrowed),
      ];
    case "core/pods":
      return claims;
    case "core/persistentvolumeclaims":
      return [of("core/persistentvolumes")];
    default:
      // What somebody else's controller makes may be of any kind: these are looked through.
      return sameGroup.length === 0 ? [] : [...byOwner, ...sameGroup].map((kind) => of(kind));
  }
}
