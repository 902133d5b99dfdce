import { matchesLabels, selectorFromLabelSelector } from "../../base/label-selector.ts";
import { compareQuantities } from "../../base/quantity.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../types.ts";
import { matchesAnyTerm, type SelectableNode } from "./node-selector.ts";
import { requestOf } from "./volume-size.ts";

/** What the claim binder, the scheduler, provisioners and nodes tell each other of a claim and its volume. */
export const volumeAnnotations = {
  /** Set once a claim has its volume; without it the claim is still to be bound. */
  bindCompleted: "pv.kubernetes.io/bind-completed",
  /** The binder chose; otherwise a user did. */
  boundByController: "pv.kubernetes.io/bound-by-controller",
  provisionedBy: "pv.kubernetes.io/provisioned-by",
  /** Whose turn it is to make a volume for a claim. */
  provisioner: "volume.kubernetes.io/storage-provisioner",
  betaProvisioner: "volume.beta.kubernetes.io/storage-provisioner",
  /** The scheduler's choice for a claim that waits for its first consumer. */
  selectedNode: "volume.kubernetes.io/selected-node",
  betaClass: "volume.beta.kubernetes.io/storage-class",
} as const;

type Claim = PersistentVolumeClaim;
type Volume = PersistentVolume;

/** "" for none. */
export const classOf = ({ metadata, spec }: Claim | Volume): string =>
  metadata.annotations?.[volumeAnnotations.betaClass] ?? spec.storageClassName ?? "";

export const hasClass = ({ metadata, spec }: Claim): boolean =>
  metadata.annotations?.[volumeAnnotations.betaClass] !== undefined || spec.storageClassName !== undefined;

export const isBindCompleted = ({ metadata }: Claim): boolean =>
  metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined;

export const selectedNodeOf = ({ metadata }: Claim): string | undefined =>
  metadata.annotations?.[volumeAnnotations.selectedNode];

export const waitsForConsumer = (storageClass: StorageClass | undefined): boolean =>
  storageClass?.volumeBindingMode === "WaitForFirstConsumer";

/** The volume is this claim's, or is kept for it. */
export function isKeptFor({ spec: { claimRef } }: Volume, { metadata }: Claim): boolean {
  return (
    claimRef?.name === metadata.name &&
    claimRef.namespace === metadata.namespace &&
    (!claimRef.uid || claimRef.uid === metadata.uid)
  );
}

export const sameMode = (claim: Claim, volume: Volume): boolean =>
  (claim.spec.volumeMode ?? "Filesystem") === (volume.spec.volumeMode ?? "Filesystem");

export const hasModes = ({ spec }: Claim, volume: Volume): boolean =>
  (spec.accessModes ?? []).every((mode) => (volume.spec.accessModes ?? []).includes(mode));

/** Whether a node can reach the volume. */
export function reaches(node: SelectableNode, { spec }: Volume): boolean {
  const required = spec.nodeAffinity?.required;
  return required === undefined || matchesAnyTerm(required.nodeSelectorTerms, node);
}

const sizeOf = ({ spec }: Volume): string => spec.capacity?.storage ?? "0";

/** Why a volume that a claim names is not for it; undefined where it is. */
export function mismatch(volume: Volume, claim: Claim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined)
    return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  if (compareQuantities(sizeOf(volume), requestOf(claim)) < 0) return "requested PV is too small";
  if (classOf(volume) !== classOf(claim)) return "storageClassName does not match";
  if (!sameAttributesClass(claim, volume)) return "volumeAttributesClassName does not match";
  if (!sameMode(claim, volume)) return "incompatible volumeMode";
  return hasModes(claim, volume) ? undefined : "incompatible accessMode";
}

const sameAttributesClass = (claim: Claim, volume: Volume): boolean =>
  (claim.spec.volumeAttributesClassName ?? "") === (volume.spec.volumeAttributesClassName ?? "");

export interface Search {
  readonly volumes: readonly Volume[];
  /** Scheduling: only volumes that this node reaches. */
  readonly node?: SelectableNode;
  /** The claim waits for its first consumer: without a node only a volume that is kept for it will do. */
  readonly waits?: boolean;
  /** Names of volumes that are promised to others. */
  readonly taken?: ReadonlySet<string>;
}

/** The volume for a claim: one that is kept for it, else the smallest that fits, of those with the fewest access modes beyond
 *  what is asked for. Kubernetes' FindMatchingVolume and the index before it. Pure. */
export function findVolume(claim: Claim, search: Search): Volume | undefined {
  const byModes = new Map<number, Volume[]>();
  for (const volume of search.volumes) {
    if (!hasModes(claim, volume)) continue;
    const count = new Set(volume.spec.accessModes ?? []).size;
    byModes.set(count, [...(byModes.get(count) ?? []), volume]);
  }
  for (const [, volumes] of [...byModes].sort(([a], [b]) => a - b)) {
    const found = bestOf(claim, { ...search, volumes });
    if (found === "none") return undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `none`: the volume that is kept for the claim is out of the node's reach. */
function bestOf(claim: Claim, { volumes, node, waits, taken }: Search): Volume | undefined | "none" {
  const selector = selectorFromLabelSelector(claim.spec.selector);
  let best: Volume | undefined;
  for (const volume of volumes) {
    const { metadata, spec, status } = volume;
    const isKept = isKeptFor(volume, claim);
    if (taken?.has(metadata.name) || (spec.claimRef !== undefined && !isKept)) continue;
    if (compareQuantities(sizeOf(volume), requestOf(claim)) < 0) continue;
    if (!sameMode(claim, volume) || !sameAttributesClass(claim, volume)) continue;
    if (metadata.deletionTimestamp !== undefined) continue;
    const isReached = node === undefined || reaches(node, volume);
    if (isKept) return isReached ? volume : "none";
    if (node === undefined && waits) continue;
    if (status?.phase !== "Available" || !isReached) continue;
    if (claim.spec.selector !== undefined && !matchesLabels(selector, metadata.labels)) continue;
    if (classOf(volume) !== classOf(claim)) continue;
    if (best === undefined || compareQuantities(sizeOf(best), sizeOf(volume)) > 0) best = volume;
  }
  return best;
}
