import type { ApiClient } from "../../../client/api.ts";
import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Allocation } from "../../../client/rules/allocated-devices.ts";
import { claimFinalizer, isReservedFor } from "../../../client/rules/resource-claims.ts";
import type { Pod, ResourceClaim } from "../../../client/types.ts";
import type { Handle } from "../cycle/handle.ts";
import type { ExtendedClaim } from "./extended-claims.ts";

/** What is written of claims on behalf of pods that get them. */

type Api = Pick<ApiClient, "delete" | "get" | "update" | "updateStatus">;

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

/** Makes the claim of what a pod's containers ask for and classes of devices stand for. */
export async function makeClaim(
  { client, metrics }: Pick<Handle, "client" | "metrics">,
  { draft }: ExtendedClaim,
  signal: AbortSignal,
): Promise<ResourceClaim> {
  try {
    const made = await client.create(resources.resourceclaims, draft, { signal });
    metrics.claimCreates.of({ status: "success" }).count++;
    return made;
  } catch (error) {
    metrics.claimCreates.of({ status: "failure" }).count++;
    throw error;
  }
}

/** Says in the pod's status which claim was made for its containers, and which of its requests are for which. */
export async function noteExtendedClaim(
  client: Pick<ApiClient, "patch">,
  { metadata }: Pod,
  claim: ResourceClaim,
  { mappings, signal }: { readonly mappings: ExtendedClaim["mappings"]; readonly signal: AbortSignal },
): Promise<void> {
  const extendedResourceClaimStatus = { requestMappings: mappings, resourceClaimName: claim.metadata.name };
  const body = { metadata: { uid: metadata.uid }, status: { extendedResourceClaimStatus } };
  await client.patch(resources.pods, metadata, body, { type: "strategic", subresource: "status", signal });
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

/** Takes a claim away that was made for one pod, whatever became of it meanwhile. */
export async function removeClaim(client: Api, given: ResourceClaim, signal: AbortSignal): Promise<void> {
  const { uid } = given.metadata;
  try {
    await unlessChanged(client, given, signal, async (claim) => {
      const { finalizers = [] } = claim.metadata;
      if (claim.metadata.uid !== uid || !finalizers.includes(claimFinalizer)) return claim;
      const left = finalizers.filter((one) => one !== claimFinalizer);
      const freed = { ...claim, metadata: { ...claim.metadata, finalizers: left } };
      return client.update(resources.resourceclaims, freed, { signal });
    });
    await client.delete(resources.resourceclaims, given.metadata, { preconditions: { uid }, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
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
