import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { compareQuantities } from "../../../base/quantity.ts";
import type { SelectableNode } from "../../../client/rules/node-selector.ts";
import {
  classOf,
  findVolume,
  isBindCompleted,
  reaches,
  waitsForConsumer,
} from "../../../client/rules/volume-binding.ts";
import { isMadeFor, notMadeForText, volumeClaims } from "../../../client/rules/volume-claims.ts";
import { requestOf } from "../../../client/rules/volume-size.ts";
import type {
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from "../../../client/types.ts";
import type { Storage } from "./storage.ts";

/** What a pod's claims are: with their volume, or still waiting for the pod's node. */
export type PodClaims =
  | { readonly bound: readonly PersistentVolumeClaim[]; readonly open: readonly PersistentVolumeClaim[] }
  /** The pod cannot be anywhere. */
  | { readonly problem: string };

/** Pure. */
export function podClaims(pod: Pod, storage: Storage): PodClaims {
  const bound: PersistentVolumeClaim[] = [];
  const open: PersistentVolumeClaim[] = [];
  const { namespace = "default" } = pod.metadata;
  let unboundImmediate = false;
  for (const wanted of volumeClaims(pod)) {
    const { name, isOwned } = wanted;
    const quoted = JSON.stringify(name);
    const claim = storage.claim(namespace, name);
    if (claim === undefined)
      return {
        problem: isOwned
          ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`
          : `persistentvolumeclaim ${quoted} not found`,
      };
    if (claim.status?.phase === "Lost") {
      const lost = JSON.stringify(claim.spec.volumeName ?? "");
      return { problem: `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${lost}` };
    }
    if (claim.metadata.deletionTimestamp !== undefined)
      return { problem: `persistentvolumeclaim ${quoted} is being deleted` };
    if (isOwned && !isMadeFor(claim, pod)) return { problem: notMadeForText(wanted, pod) };
    if (claim.spec.volumeName && isBindCompleted(claim)) bound.push(claim);
    else if (waitsForConsumer(storage.storageClass(classOf(claim))) && !claim.spec.volumeName)
      open.push(claim);
    else unboundImmediate = true;
  }
  if (unboundImmediate) return { problem: "pod has unbound immediate PersistentVolumeClaims" };
  return { bound, open };
}

/** What is to be done for a pod's open claims on its node. */
export interface VolumePlan {
  readonly bindings: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[];
  readonly provisions: readonly PersistentVolumeClaim[];
}

export const nodeConflict = "node(s) didn't match PersistentVolume's node affinity";
export const bindConflict = "node(s) didn't find available persistent volumes to bind";
export const noSpace = "node(s) did not have enough free storage";
export const volumeMissing = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

/** How a pod gets its volumes on a node, or why it cannot. Pure. */
export function volumesOn(
  { bound, open }: Exclude<PodClaims, { problem: string }>,
  node: SelectableNode,
  storage: Storage,
): VolumePlan | { readonly reasons: readonly string[] } {
  const volumes = bound.map(({ spec }) => storage.volume(spec.volumeName ?? ""));
  if (volumes.includes(undefined)) return { reasons: [volumeMissing] };
  if (volumes.some((volume) => volume !== undefined && !reaches(node, volume)))
    return { reasons: [nodeConflict] };
  const bindings: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const provisions: PersistentVolumeClaim[] = [];
  const taken = new Set(storage.taken());
  for (const claim of [...open].sort(bySize)) {
    const selected = storage.selectedNode(claim);
    if (selected !== undefined && selected !== node.name) return { reasons: [bindConflict] };
    const volume =
      selected === undefined
        ? findVolume(claim, { volumes: storage.volumes(), node, waits: true, taken })
        : undefined;
    if (volume === undefined) {
      const storageClass = storage.storageClass(classOf(claim));
      if (!provisionsOn(storageClass, node)) return { reasons: [bindConflict] };
      const capacities = storageClass && storage.capacities(storageClass);
      if (capacities !== undefined && !hasSpace(capacities, claim, node)) return { reasons: [noSpace] };
      provisions.push(claim);
      continue;
    }
    taken.add(volume.metadata.name);
    bindings.push({ claim, volume });
  }
  return { bindings, provisions };
}

const bySize = (a: PersistentVolumeClaim, b: PersistentVolumeClaim) =>
  compareQuantities(requestOf(a), requestOf(b));

/** Whether volumes of the class may be made on the node. */
function provisionsOn(storageClass: StorageClass | undefined, { labels }: SelectableNode): boolean {
  const { provisioner = "", allowedTopologies = [] } = storageClass ?? {};
  if (provisioner === "" || provisioner === "kubernetes.io/no-provisioner") return false;
  return (
    allowedTopologies.length === 0 ||
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? "")),
    )
  );
}

/** Whether some place that the node reaches has room for one volume of that size: what its driver says there is at the most for
 *  one, or at all. */
function hasSpace(
  capacities: readonly CSIStorageCapacity[],
  claim: PersistentVolumeClaim,
  { labels }: SelectableNode,
): boolean {
  const size = requestOf(claim);
  return capacities.some(({ nodeTopology, maximumVolumeSize, capacity }) => {
    const room = maximumVolumeSize ?? capacity;
    if (room === undefined || nodeTopology === undefined || compareQuantities(room, size) < 0) return false;
    return matchesLabels(selectorFromLabelSelector(nodeTopology), labels);
  });
}
