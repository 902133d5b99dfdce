import { isMadeFor, type VolumeClaim, volumeClaims } from "../../../client/rules/volume-claims.ts";
import type { Meta, PersistentVolume, PersistentVolumeClaim, Pod } from "../../../client/types.ts";

/** Keep claims that pods use, volumes that claims are bound to, and classes that either names, from going. */
export const claimFinalizer = "kubernetes.io/pvc-protection";
export const volumeFinalizer = "kubernetes.io/pv-protection";
export const classFinalizer = "kubernetes.io/vac-protection";

/** What is to be done about the finalizer of an object. */
export type ProtectionStep = "add" | "removeIfUnused" | "nothing";

/** Pure. */
export function protectionStep({ metadata }: { readonly metadata: Meta }, finalizer: string): ProtectionStep {
  const isProtected = metadata.finalizers?.includes(finalizer) === true;
  if (metadata.deletionTimestamp === undefined) return isProtected ? "nothing" : "add";
  return isProtected ? "removeIfUnused" : "nothing";
}

/** Whether a pod needs a claim to stay. Pods that no node has yet do not: a node starts none whose claim is going. */
export function usesClaim(pod: Pod, claim: PersistentVolumeClaim): boolean {
  return Boolean(pod.spec.nodeName) && volumeClaims(pod).some((one) => names(one, claim, pod));
}

function names({ name, isOwned }: VolumeClaim, claim: PersistentVolumeClaim, pod: Pod): boolean {
  if (name !== claim.metadata.name || claim.metadata.namespace !== pod.metadata.namespace) return false;
  return !isOwned || (!isShutDown(pod) && isMadeFor(claim, pod));
}

/** Its node has let go of its volumes, or nobody waits for it any more: only finalizers keep the object. They may wait for the
 *  pod's own claims to go, which must then not wait for the pod. */
export function isShutDown({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
}

/** The classes of volume attributes that a claim or a volume wants, has, or is about to have. */
export function attributesClassesOf(user: PersistentVolumeClaim | PersistentVolume): readonly string[] {
  const { currentVolumeAttributesClassName: current, modifyVolumeStatus: change } = (user.status ??
    {}) as NonNullable<PersistentVolumeClaim["status"]>;
  const names = [user.spec?.volumeAttributesClassName, current, change?.targetVolumeAttributesClassName];
  return names.flatMap((name) => (name ? [name] : []));
}

/** A volume is in use as long as a claim is bound to it. */
export const isBound = ({ status }: PersistentVolume): boolean => status?.phase === "Bound";

export function withFinalizer(metadata: Meta, finalizer: string): readonly string[] {
  return [...(metadata.finalizers ?? []), finalizer];
}

export function withoutFinalizer(metadata: Meta, finalizer: string): readonly string[] {
  return (metadata.finalizers ?? []).filter((one) => one !== finalizer);
}
