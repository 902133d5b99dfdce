import type { PodClaim } from "../../../client/rules/resource-claims.ts";
import type { Pod, ResourceClaim } from "../../../client/types.ts";
import { isControlledBy } from "../owners.ts";
import { isFinished } from "../pod-state.ts";

/** What pods say of the claims that they use. Pure. */

/** On a claim that was made for a pod: which of the pod's claims it is. */
export const podClaimAnnotation = "resource.kubernetes.io/pod-claim-name";

/** It will not run any more, or never will. */
export function isPodDone(pod: Pod): boolean {
  return isFinished(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);
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
