import type { ApiClient } from "../../../client/api.ts";
import { isConflict } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Allocation } from "../../../client/rules/allocated-devices.ts";
import { claimFinalizer, isReservedFor } from "../../../client/rules/resource-claims.ts";
import type { Pod, ResourceClaim } from "../../../client/types.ts";

/** What is written of claims on behalf of pods that get them. */

type Api = Pick<ApiClient, "get" | "update" | "updateStatus">;

/** Writes that the pod has the claim, and its devices where it gets them with the pod. What somebody else changed meanwhile is
 *  heeded. */
export async function reserveClaim(
  client: Api,
  given: ResourceClaim,
  pod: Pod,
  { allocation, signal }: { readonly allocation?: Allocation; readonly signal: AbortSignal },
): Promise<ResourceClaim> {
  const { name, uid } = pod.metadata;
  return unlessChanged(client, given, signal, async (claim) => {
    const shown = `claim ${claim.metadata.namespace}/${claim.metadata.name}`;
    if (claim.metadata.uid !== given.metadata.uid || claim.metadata.deletionTimestamp !== undefined)
      throw new Error(`${shown} got deleted in the meantime`);
    const has = claim.status?.allocation !== undefined;
    if (has !== (allocation === undefined))
      throw new Error(`${shown} got ${has ? "allocated" : "deallocated"} elsewhere in the meantime`);
    const finalizers = claim.metadata.finalizers ?? [];
    const isProtected = allocation === undefined || finalizers.includes(claimFinalizer);
    const kept = isProtected
      ? claim
      : await client.update(
          resources.resourceclaims,
          { ...claim, metadata: { ...claim.metadata, finalizers: [...finalizers, claimFinalizer] } },
          { signal },
        );
    const others = (kept.status?.reservedFor ?? []).filter((one) => one.uid !== uid);
    const status = {
      ...kept.status,
      ...(allocation !== undefined && { allocation }),
      reservedFor: [...others, { resource: "pods", name, uid }],
    };
    return client.updateStatus(resources.resourceclaims, { ...kept, status }, { signal });
  });
}

/** The pod did not get its node: its claims are others' to have, too. */
export async function giveBack(
  client: Api,
  pod: Pod,
  claims: readonly ResourceClaim[],
  signal: AbortSignal,
): Promise<void> {
  for (const held of claims)
    await unlessChanged(client, held, signal, async (claim) => {
      if (claim.metadata.uid !== held.metadata.uid || !isReservedFor(claim, pod)) return claim;
      const { reservedFor = [], ...status } = claim.status ?? {};
      const left = reservedFor.filter(({ uid }) => uid !== pod.metadata.uid);
      return client.updateStatus(
        resources.resourceclaims,
        { ...claim, status: { ...status, ...(left.length > 0 && { reservedFor: left }) } },
        { signal },
      );
    });
}

/** The version that was looked at goes on being the one: somebody else may have taken the claim since. */
export async function deallocate(client: Api, claim: ResourceClaim, signal: AbortSignal): Promise<void> {
  const { allocation: _, reservedFor: __, devices: ___, ...status } = claim.status ?? {};
  await client.updateStatus(resources.resourceclaims, { ...claim, status }, { signal });
}

/** Writes once more, on what there is then, where somebody else was faster. */
async function unlessChanged(
  client: Api,
  given: ResourceClaim,
  signal: AbortSignal,
  write: (claim: ResourceClaim) => Promise<ResourceClaim>,
): Promise<ResourceClaim> {
  let claim = given;
  for (let attempt = 1; ; attempt++)
    try {
      return await write(claim);
    } catch (error) {
      if (!isConflict(error) || attempt === attemptsMax) throw error;
      claim = await client.get(resources.resourceclaims, given.metadata, { signal });
    }
}

const attemptsMax = 5;
