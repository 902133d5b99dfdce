import { claimFinalizer } from "../../../client/rules/resource-claims.ts";
import type { Pod, ResourceClaim } from "../../../client/types.ts";
import { controllerOf } from "../owners.ts";
import { isPodDone } from "./pod-claims.ts";

/** Which pods a claim is still reserved for, and what becomes of it when there are none. Pure. */

type Reservation = NonNullable<NonNullable<ResourceClaim["status"]>["reservedFor"]>[number];

export interface ClaimSeen {
  readonly claim: ResourceClaim;
  /** As the cache shows it. */
  readonly pod: (name: string) => Pod | undefined;
  /** Pods known to be gone, by uid. */
  readonly gone: ReadonlySet<string>;
}

export interface ClaimPlan {
  /** Set where the status is another. */
  readonly status?: NonNullable<ResourceClaim["status"]>;
  readonly dropsFinalizer: boolean;
  /** It was made for a pod that does not need it any more. */
  readonly deletes: boolean;
}

const isOfPod = ({ apiGroup = "", resource }: Reservation) => apiGroup === "" && resource === "pods";

/** Reservations for pods that the cache does not show: they may be newer than it is, and must be asked for. */
export function reservationsToAsk({ claim, pod, gone }: ClaimSeen): readonly Reservation[] {
  return (claim.status?.reservedFor ?? []).filter(
    (one) => isOfPod(one) && !gone.has(one.uid) && pod(one.name) === undefined,
  );
}

export function planClaim({ claim, pod, gone }: ClaimSeen): ClaimPlan {
  const { finalizers = [], deletionTimestamp } = claim.metadata;
  const before = claim.status?.reservedFor ?? [];
  const left = before.filter((one) => {
    // Consumers of another kind are somebody else's to judge.
    if (!isOfPod(one)) return true;
    if (gone.has(one.uid)) return false;
    const found = pod(one.name);
    return found === undefined || (found.metadata.uid === one.uid && !isPodDone(found));
  });
  const isProtected = finalizers.includes(claimFinalizer);
  const isFreed = left.length < before.length;
  const isGoing = isProtected && deletionTimestamp !== undefined && left.length === 0;
  const { allocation, reservedFor: _, ...rest } = claim.status ?? {};
  // What nobody uses any more is free for others: its next pod need not run where the last one did.
  const frees = left.length === 0 && isProtected && (isFreed || isGoing);
  const status = {
    ...rest,
    ...(allocation !== undefined && !frees && { allocation }),
    ...(left.length > 0 && { reservedFor: left }),
  };
  const changes = isFreed || (isGoing && allocation !== undefined);
  const keepsAllocation = allocation !== undefined && !frees;
  return {
    ...(changes && { status }),
    dropsFinalizer: isProtected && ((isFreed && !keepsAllocation) || isGoing),
    deletes: left.length === 0 && isUnused(claim, pod),
  };
}

/** Of a pod that is not shown nothing is said: the garbage collector sees to the claims of those that are gone. */
function isUnused(claim: ResourceClaim, pod: ClaimSeen["pod"]): boolean {
  const owner = controllerOf(claim);
  if (owner?.kind !== "Pod" || owner.apiVersion !== "v1" || claim.metadata.deletionTimestamp !== undefined)
    return false;
  const found = pod(owner.name);
  return found !== undefined && (found.metadata.uid !== owner.uid || isPodDone(found));
}
