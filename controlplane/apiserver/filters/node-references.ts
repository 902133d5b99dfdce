import { podReferences } from "../../../client/rules/pod-references.ts";
import { knownClaimNames } from "../../../client/rules/resource-claims.ts";
import { isMirrorPod } from "../../../client/rules/static-pods.ts";
import type { KubeObject, Pod } from "../../../client/types.ts";
import type { KindIndex } from "../cache/kind-index.ts";

/** What the pods bound to a node refer to. */
export type ReferencedKind =
  | "secrets"
  | "configmaps"
  | "serviceaccounts"
  | "persistentvolumeclaims"
  | "resourceclaims";

/** Follows the cache of pods and counts, per node, the objects its pods refer to.
 *  Size: an entry for each reference of each bound pod. A change costs the references of one pod.
 *  Finished pods count too: their logs and volumes are still the node's to keep, as in Kubernetes. */
export class NodeReferences implements KindIndex {
  /** Node -> object -> how many of the node's pods refer to it. */
  #byNode = new Map<string, Map<string, number>>();

  /** Does a pod bound to `node` refer to this object? */
  has(node: string, kind: ReferencedKind, { namespace, name }: { namespace: string; name: string }): boolean {
    return this.#byNode.get(node)?.has(keyOf(kind, namespace, name)) ?? false;
  }

  clear(): void {
    this.#byNode = new Map();
  }

  changed(previous: KubeObject | undefined, next: KubeObject | undefined): void {
    if (next !== undefined) this.#count(next as Pod, 1);
    if (previous !== undefined) this.#count(previous as Pod, -1);
  }

  #count(pod: Pod, by: 1 | -1): void {
    const node = pod.spec.nodeName;
    if (!node) return;
    const counts = this.#byNode.get(node) ?? new Map<string, number>();
    this.#byNode.set(node, counts);
    for (const key of referredBy(pod)) {
      const count = (counts.get(key) ?? 0) + by;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
    }
    if (counts.size === 0) this.#byNode.delete(node);
  }
}

const keyOf = (kind: ReferencedKind, namespace: string, name: string) => `${kind}/${namespace}/${name}`;

/** A mirror pod, which nodes may make themselves, opens nothing to its node. */
function* referredBy(pod: Pod): Iterable<string> {
  if (isMirrorPod(pod)) return;
  const { metadata, spec } = pod;
  const { namespace = "", name } = metadata;
  const { secrets, configMaps, serviceAccounts, claims } = podReferences(spec, name);
  for (const one of secrets) yield keyOf("secrets", namespace, one);
  for (const one of configMaps) yield keyOf("configmaps", namespace, one);
  for (const one of serviceAccounts) yield keyOf("serviceaccounts", namespace, one);
  for (const one of claims) yield keyOf("persistentvolumeclaims", namespace, one);
  for (const one of knownClaimNames(pod)) yield keyOf("resourceclaims", namespace, one);
}
