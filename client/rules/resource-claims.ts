import type { Pod } from "../types.ts";

/** Which claims of devices a pod means. Pure. */

/** Keeps a claim that is allocated. */
export const claimFinalizer = "resource.kubernetes.io/delete-protection";

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
