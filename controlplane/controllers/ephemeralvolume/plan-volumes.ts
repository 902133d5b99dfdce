import { claimOfVolume, isMadeFor, notMadeForText } from "../../../client/rules/volume-claims.ts";
import type { Draft, PersistentVolumeClaim, Pod } from "../../../client/types.ts";
import { controllerReference, isBeingDeleted } from "../owners.ts";

/** What a pod's own volume lacks. */
export type VolumeStep =
  | { readonly step: "create"; readonly volume: string; readonly draft: Draft<PersistentVolumeClaim> }
  /** Another claim has the name, which only its owner can change. */
  | { readonly step: "refuse"; readonly volume: string; readonly why: string };

export const hasOwnVolumes = ({ spec }: Pod): boolean =>
  (spec.volumes ?? []).some(({ ephemeral }) => ephemeral !== undefined);

/** What is to be done for the volumes that a pod has for itself, in their order: Kubernetes' handleVolume. Pure. */
export function planOwnVolumes(
  pod: Pod,
  claimNamed: (name: string) => PersistentVolumeClaim | undefined,
): readonly VolumeStep[] {
  if (isBeingDeleted(pod)) return [];
  return (pod.spec.volumes ?? []).flatMap((volume): VolumeStep | readonly VolumeStep[] => {
    const template = volume.ephemeral?.volumeClaimTemplate;
    const wanted = claimOfVolume(pod.metadata.name, volume);
    if (template === undefined || wanted === undefined) return [];
    const found = claimNamed(wanted.name);
    if (found !== undefined)
      return isMadeFor(found, pod)
        ? []
        : { step: "refuse", volume: volume.name, why: notMadeForText(wanted, pod) };
    const { labels, annotations } = template.metadata ?? {};
    const draft = {
      metadata: {
        name: wanted.name,
        namespace: pod.metadata.namespace,
        ownerReferences: [controllerReference({ ...pod, apiVersion: "v1", kind: "Pod" })],
        ...(labels !== undefined && { labels }),
        ...(annotations !== undefined && { annotations }),
      },
      spec: template.spec,
    } as Draft<PersistentVolumeClaim>;
    return { step: "create", volume: volume.name, draft };
  });
}
