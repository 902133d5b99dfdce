import type { DeviceClass, Pod, ResourceClaim } from "../types.ts";

/** Which claims of devices a pod means. Pure. */

/** Keeps a claim that is allocated. */
export const claimFinalizer = "resource.kubernetes.io/delete-protection";

/** A claim may be reserved for so many. */
export const reservationsMax = 256;

export const isFullyReserved = ({ status }: ResourceClaim): boolean =>
  (status?.reservedFor ?? []).length >= reservationsMax;

/** On a claim that a scheduler made for what a pod's containers ask of resources that classes of devices stand for: "true". */
export const extendedClaimAnnotation = "resource.kubernetes.io/extended-resource-claim";

export const isExtendedClaim = ({ metadata }: ResourceClaim): boolean =>
  metadata.annotations?.[extendedClaimAnnotation] === "true";

/** Before a class's name: the resource that it stands for, whatever else it says. */
export const classResourcePrefix = "deviceclass.resource.kubernetes.io/";

/** The resources that a class stands for. */
export const classResources = ({ metadata, spec }: DeviceClass): readonly string[] => [
  `${classResourcePrefix}${metadata.name}`,
  ...(spec.extendedResourceName === undefined ? [] : [spec.extendedResourceName]),
];

export type PodClaim = NonNullable<Pod["spec"]["resourceClaims"]>[number];

export type ClaimName =
  | { readonly kind: "named"; readonly name: string; readonly isGenerated: boolean }
  /** It was found that none is needed. */
  | { readonly kind: "unneeded" }
  | { readonly kind: "unknown" };

export function claimNameOf({ status }: Pod, claim: PodClaim): ClaimName {
  if (claim.resourceClaimName !== undefined)
    return { kind: "named", name: claim.resourceClaimName, isGenerated: false };
  const found = status?.resourceClaimStatuses?.find(({ name }) => name === claim.name);
  if (found === undefined) return { kind: "unknown" };
  const { resourceClaimName } = found;
  return resourceClaimName === undefined
    ? { kind: "unneeded" }
    : { kind: "named", name: resourceClaimName, isGenerated: true };
}

/** Whether the claim is the pod's to use. */
export const isReservedFor = ({ status }: ResourceClaim, { metadata }: Pod): boolean =>
  status?.reservedFor?.some(({ uid }) => uid === metadata.uid) ?? false;

/** Names of all claims that the pod is known to use, among them those that a scheduler made for extended resources. */
export function knownClaimNames(pod: Pod): readonly string[] {
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  const named = (pod.spec.resourceClaims ?? []).flatMap((claim) => {
    const known = claimNameOf(pod, claim);
    return known.kind === "named" ? known.name : [];
  });
  return extended === undefined ? named : [...named, extended];
}
