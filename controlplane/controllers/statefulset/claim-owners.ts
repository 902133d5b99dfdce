import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { ordinalOf, ordinalRange } from "./stateful-pod.ts";

/** Who owns a claim says when it goes: with the set, with the pod, or with nobody. Pure. */

interface Owners {
  readonly set: StatefulSet;
  /** As it is, or as its name will be. */
  readonly pod: { readonly metadata: { readonly name: string; readonly uid?: string } };
}

/** The references that the claim should have; undefined if it has them, or if others decide over it. */
export function wantedOwners(
  claim: PersistentVolumeClaim,
  { set, pod }: { readonly set: StatefulSet; readonly pod: Pod },
): readonly OwnerReference[] | undefined {
  const references = claim.metadata.ownerReferences ?? [];
  const owners = { set, pod };
  // Left by a set or pod of the same name that is gone: the garbage collector sees to it.
  if (references.some((one) => isStale(one, owners))) return undefined;
  const rest = references.filter((one) => !isOfSet(one, set) && !isOfPod(one, pod));
  const foreign = rest.some(({ controller }) => controller === true);
  const wanted = foreign && policyActs(set) ? [] : ours(set, pod);
  const present = references.filter((one) => !rest.includes(one));
  const settled =
    present.length === wanted.length &&
    wanted.every(({ uid }) => present.some((one) => one.uid === uid && one.controller === true));
  return settled ? undefined : [...rest, ...wanted];
}

/** Somebody else manages the claim, so that the policy does not hold for it. */
export function hasForeignController(
  claim: PersistentVolumeClaim,
  { set, pod }: { readonly set: StatefulSet; readonly pod: Pod },
): boolean {
  return (
    policyActs(set) &&
    (claim.metadata.ownerReferences ?? []).some(
      (one) => one.controller === true && !isOfSet(one, set) && !isOfPod(one, pod),
    )
  );
}

/** The claim still waits to go with the pod that had the name before. */
export function isStaleFor(claim: PersistentVolumeClaim, name: string): boolean {
  return (claim.metadata.ownerReferences ?? []).some((one) => isOfPod(one, { metadata: { name } }));
}

const policyOf = ({ spec }: StatefulSet) => ({
  whenDeleted: spec.persistentVolumeClaimRetentionPolicy?.whenDeleted ?? "Retain",
  whenScaled: spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? "Retain",
});

const policyActs = (set: StatefulSet) => Object.values(policyOf(set)).some((one) => one === "Delete");

export const keepsScaled = (set: StatefulSet) => policyOf(set).whenScaled === "Retain";

function ours(set: StatefulSet, pod: Pod): readonly OwnerReference[] {
  const { whenDeleted, whenScaled } = policyOf(set);
  const ordinal = ordinalOf(set, pod) ?? -1;
  const { start, end } = ordinalRange(set);
  const scaledDown = ordinal < start || ordinal >= end;
  if (whenScaled === "Delete" && scaledDown) return [controllerReference(pod)];
  return whenDeleted === "Delete" ? [controllerReference(set)] : [];
}

const isOfSet = ({ apiVersion, kind, name }: OwnerReference, set: StatefulSet) =>
  apiVersion === "apps/v1" && kind === "StatefulSet" && name === set.metadata.name;

const isOfPod = ({ apiVersion, kind, name }: OwnerReference, pod: Owners["pod"]) =>
  apiVersion === "v1" && kind === "Pod" && name === pod.metadata.name;

const isStale = (one: OwnerReference, { set, pod }: Owners) =>
  (isOfSet(one, set) && one.uid !== set.metadata.uid) || (isOfPod(one, pod) && one.uid !== pod.metadata.uid);
