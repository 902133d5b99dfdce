import { compareQuantities } from "../../../base/quantity.ts";
import { localPathNode } from "../../../client/rules/local-path.ts";
import { capacityOf, requestOf } from "../../../client/rules/volume-size.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";

type ClaimStatus = NonNullable<PersistentVolumeClaim["status"]>;

export type GrowthStep =
  | { readonly step: "nothing" }
  /** The volume first: cut off after it, the next look goes on. */
  | { readonly step: "growVolume"; readonly storage: string }
  | { readonly step: "tellClaim"; readonly status: ClaimStatus };

/** What is finished with the volume's growth. */
const conditions: ReadonlySet<string> = new Set(["Resizing", "FileSystemResizePending"]);

export const asksForMore = (claim: PersistentVolumeClaim): boolean =>
  claim.status?.phase === "Bound" && compareQuantities(requestOf(claim), capacityOf(claim)) > 0;

/** How a folder of a node becomes as large as its claim asks. It has whatever its node's disk has, so that nobody has to do
 *  anything but say so. Pure. */
export function planGrowth(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): GrowthStep {
  const { uid } = claim.metadata;
  if (volume === undefined || localPathNode(volume) === undefined || volume.spec.claimRef?.uid !== uid)
    return { step: "nothing" };
  if (!asksForMore(claim)) return { step: "nothing" };
  const storage = requestOf(claim);
  if (compareQuantities(volume.spec.capacity?.storage ?? "0", storage) < 0)
    return { step: "growVolume", storage };
  const { conditions: told = [], allocatedResourceStatuses: _, ...status } = claim.status ?? {};
  const left = told.filter(({ type }) => !conditions.has(type));
  return {
    step: "tellClaim",
    status: {
      ...status,
      ...(left.length > 0 && { conditions: left }),
      capacity: { ...status.capacity, storage: volume.spec.capacity?.storage ?? "0" },
      allocatedResources: { ...status.allocatedResources, storage },
    },
  };
}
