import { compareQuantities, isQuantity } from "../../../base/quantity.ts";
import type { PersistentVolumeClaim, StorageClass } from "../../../client/types.ts";
import { type Attributes, type Plugin, refusal, where } from "./admission.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** Kubernetes' PersistentVolumeClaimResize: a claim may ask for more only where its class says that volumes can grow. That a
 *  claim without a volume keeps its size is the kind's own rule. */
export function claimResize(deps: LookupDeps): Plugin {
  return { validate: where(updatesClaim, (attributes) => check(deps, attributes)) };
}

const updatesClaim = ({ kind, operation, by }: Attributes) =>
  kind.group === "" &&
  kind.kind === "PersistentVolumeClaim" &&
  operation === "update" &&
  by.subresource === "";

async function check(deps: LookupDeps, attributes: Attributes): Promise<void> {
  const { object, old } = attributes;
  const [next, before] = [object as PersistentVolumeClaim, old as PersistentVolumeClaim];
  if (before.status?.phase !== "Bound" || !grows(next, before)) return;
  const name = classOf(next);
  const found =
    name === "" || name !== classOf(before)
      ? undefined
      : await storedObject(deps, {
          group: "storage.k8s.io",
          plural: "storageclasses",
          namespace: "",
          name,
        });
  if ((found as unknown as StorageClass | undefined)?.allowVolumeExpansion === true) return;
  throw refusal(
    attributes,
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
  );
}

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? "";
}

function grows(next: PersistentVolumeClaim, before: PersistentVolumeClaim): boolean {
  const size = ({ spec }: PersistentVolumeClaim) => spec.resources?.requests?.storage ?? "0";
  const [after, current] = [size(next), size(before)];
  return isQuantity(after) && isQuantity(current) && compareQuantities(after, current) > 0;
}
