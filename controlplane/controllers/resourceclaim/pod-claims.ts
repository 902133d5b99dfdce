import type { Pod, ResourceClaim } from "../../../client/types.ts";
import { isControlledBy } from "../owners.ts";
import { isFinished } from "../pod-state.ts";

/** What pods say of the claims that they use. Pure. */

/** On a claim that was made for a pod: which of the pod's claims it is. */
export const podClaimAnnotation = "resource.kubernetes.io/pod-claim-name";
/** Keeps a claim that is allocated. */
export const claimFinalizer = "resource.kubernetes.io/delete-protection";

export type PodClaim = NonNullable<Pod["spec"]["resourceClaims"]>[number];

/** It will not run any more, or never will. */
export function isPodDone(pod: Pod): boolean {
  return isFinished(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);
}

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

/** Names of all claims that the pod is known to use, among them those that a scheduler made for extended resources. */
export function knownClaimNames(pod: Pod): readonly string[] {
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  const named = (pod.spec.resourceClaims ?? []).flatMap((claim) => {
    const known = claimNameOf(pod, claim);
    return known.kind === "named" ? known.name : [];
  });
  return extended === undefined ? named : [...named, extended];
}

export const usesClaims = ({ spec, status }: Pod): boolean =>
  (spec.resourceClaims ?? []).length > 0 || status?.extendedResourceClaimStatus !== undefined;

/** The claim that was made for this claim of the pod, whether the pod's status says so or not. */
export function generatedClaim(
  pod: Pod,
  claim: PodClaim,
  owned: readonly ResourceClaim[],
): ResourceClaim | undefined {
  return owned.find(
    (one) => isControlledBy(one, pod) && one.metadata.annotations?.[podClaimAnnotation] === claim.name,
  );
}
