import { oncePerMeter } from "../../../base/os/once-per-meter.ts";
import { isExtendedClaim } from "../../../client/rules/resource-claims.ts";
import type { ResourceClaim } from "../../../client/types.ts";
import { podClaimAnnotation } from "./pod-claims.ts";

/** What is reported of claims, under Kubernetes' names. Those counted are of the term of leadership that was set last. */
export type ClaimMetrics = ReturnType<typeof claimMetrics>;

export const claimMetrics = oncePerMeter((meter) => {
  let claims: () => Iterable<ResourceClaim> = () => [];
  meter.observedBy(
    "resourceclaim_controller_resource_claims",
    "Claims, by whether they are allocated, whether they ask for an administrator's access, and who made them.",
    ["allocated", "admin_access", "source"],
    () => counted(claims()),
  );
  return {
    created: meter.counter("resourceclaim_controller_creates_total", "Claims made for pods.", [
      "status",
      "admin_access",
    ]),
    count: (next: () => Iterable<ResourceClaim>) => {
      claims = next;
    },
  };
});

export function asksAdminAccess({ devices }: ResourceClaim["spec"]): boolean {
  return devices?.requests?.some(({ exactly }) => exactly?.adminAccess === true) ?? false;
}

function sourceOf(claim: ResourceClaim): string {
  if (isExtendedClaim(claim)) return "extended_resource";
  return claim.metadata.annotations?.[podClaimAnnotation] ? "resource_claim_template" : "";
}

interface Labels {
  readonly allocated: string;
  readonly admin_access: string;
  readonly source: string;
}

function counted(claims: Iterable<ResourceClaim>): Iterable<readonly [Labels, number]> {
  const counts = new Map<string, readonly [Labels, number]>();
  for (const claim of claims) {
    const labels = {
      allocated: String(claim.status?.allocation !== undefined),
      admin_access: String(asksAdminAccess(claim.spec)),
      source: sourceOf(claim),
    };
    const key = Object.values(labels).join();
    counts.set(key, [labels, (counts.get(key)?.[1] ?? 0) + 1]);
  }
  return counts.values();
}
