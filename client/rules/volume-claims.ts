import type { PersistentVolumeClaim, Pod, Volume } from "../types.ts";

/** The claims of a pod's volumes: those that they name, and those that are made for them. Pure. */

/** A claim that a volume of a pod shows. */
export interface VolumeClaim {
  readonly name: string;
  /** The volume is the pod's own, and so is the claim: another object that happens to have the name is not meant. */
  readonly isOwned: boolean;
}

/** Undefined: the volume shows no claim. */
export function claimOfVolume(podName: string, volume: Volume): VolumeClaim | undefined {
  const { name, persistentVolumeClaim, ephemeral } = volume;
  if (persistentVolumeClaim !== undefined) return { name: persistentVolumeClaim.claimName, isOwned: false };
  return ephemeral === undefined ? undefined : { name: `${podName}-${name}`, isOwned: true };
}

export const volumeClaims = ({ metadata, spec }: Pod): readonly VolumeClaim[] =>
  (spec.volumes ?? []).flatMap((volume) => claimOfVolume(metadata.name, volume) ?? []);

/** Whether the claim was made for this very pod. */
export const isMadeFor = (claim: PersistentVolumeClaim, pod: Pod): boolean =>
  claim.metadata.ownerReferences?.some(
    ({ controller, uid }) => controller === true && uid === pod.metadata.uid,
  ) ?? false;

/** What is told of a claim that stands where one for the pod's volume should. */
export function notMadeForText({ name }: Pick<VolumeClaim, "name">, { metadata }: Pod): string {
  const { namespace } = metadata;
  return `PVC ${namespace}/${name} was not created for pod ${namespace}/${metadata.name} (pod is not owner)`;
}
