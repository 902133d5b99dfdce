import { compareQuantities } from "../../../base/quantity.ts";
import type { ApiClient } from "../../../client/api.ts";
import { resources } from "../../../client/resources.ts";
import { isKeptFor, volumeAnnotations } from "../../../client/rules/volume-binding.ts";
import type { Meta, PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";

type Client = Pick<ApiClient, "update" | "updateStatus">;
type Annotation = keyof typeof volumeAnnotations;

/** Makes volume and claim say that they are bound, the volume first, as far as they do not. Each write names the version it
 *  goes on from: of two claims for one volume, one fails. Cut off anywhere, the next call goes on. */
export async function bind(
  client: Client,
  volume: PersistentVolume,
  claim: PersistentVolumeClaim,
): Promise<void> {
  const kept = claimed(volume, claim);
  const ours = kept === volume ? volume : await client.update(resources.persistentvolumes, kept);
  const bound = await setVolumePhase(client, ours, "Bound");
  const named = withVolume(claim, volume.metadata.name);
  const whole = named === claim ? claim : await client.update(resources.persistentvolumeclaims, named);
  await writeClaimStatus(client, whole, { phase: "Bound", volume: bound });
}

/** The volume as the claim's; itself where it is already. */
function claimed(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { uid, name, namespace, resourceVersion } = claim.metadata;
  const marked = isKeptFor(volume, claim) ? volume : withAnnotations(volume, { boundByController: "yes" });
  const { claimRef } = volume.spec;
  if (claimRef?.uid === uid && claimRef.name === name && claimRef.namespace === namespace) return marked;
  const reference = {
    kind: "PersistentVolumeClaim",
    apiVersion: "v1",
    namespace,
    name,
    uid,
    resourceVersion,
  };
  return { ...marked, spec: { ...marked.spec, claimRef: reference } } as PersistentVolume;
}

function withVolume(claim: PersistentVolumeClaim, volumeName: string): PersistentVolumeClaim {
  const isNamed = claim.spec.volumeName === volumeName;
  const marked = withAnnotations(claim, {
    bindCompleted: "yes",
    ...(!isNamed && { boundByController: "yes" }),
  });
  return isNamed ? marked : { ...marked, spec: { ...marked.spec, volumeName } };
}

/** The object with these annotations; itself where it has them. */
export function withAnnotations<T extends { readonly metadata: Meta }>(
  object: T,
  wanted: Partial<Record<Annotation, string>>,
): T {
  const annotations = { ...object.metadata.annotations };
  let changed = false;
  for (const [name, value] of Object.entries(wanted)) {
    const key = volumeAnnotations[name as Annotation];
    if (annotations[key] === value) continue;
    annotations[key] = value;
    changed = true;
  }
  return changed ? { ...object, metadata: { ...object.metadata, annotations } } : object;
}

/** Lets a volume go that its claim does not have: it is free where the binder chose it, and still kept for the claim where a
 *  user did. */
export async function unbind(client: Client, volume: PersistentVolume): Promise<void> {
  const { claimRef, ...spec } = volume.spec;
  const { [volumeAnnotations.boundByController]: ours, ...annotations } = volume.metadata.annotations ?? {};
  const { uid: _, ...kept } = claimRef ?? {};
  const free =
    ours === undefined
      ? { ...volume, spec: { ...spec, claimRef: kept } }
      : { ...volume, spec, metadata: { ...volume.metadata, annotations } };
  await setVolumePhase(client, await client.update(resources.persistentvolumes, free), "Available");
}

export async function setVolumePhase(
  client: Client,
  volume: PersistentVolume,
  phase: string,
  message = "",
): Promise<PersistentVolume> {
  if (volume.status?.phase === phase) return volume;
  const { message: _, ...status } = volume.status ?? {};
  return client.updateStatus(resources.persistentvolumes, {
    ...volume,
    status: { ...status, phase, ...(message !== "" && { message }) },
  });
}

/** Without a volume the claim has nothing of one. The size is the volume's when the claim gets it; later it is for whoever
 *  resizes to say. */
export async function writeClaimStatus(
  client: Client,
  claim: PersistentVolumeClaim,
  { phase, volume }: { readonly phase: "Pending" | "Bound" | "Lost"; readonly volume?: PersistentVolume },
): Promise<void> {
  const { accessModes, capacity, currentVolumeAttributesClassName, ...others } = claim.status ?? {};
  const isNew = others.phase !== phase;
  const attributes = isNew && phase === "Bound" && others.phase === "Pending";
  const size = volume?.spec.capacity?.storage ?? "0";
  const grows = isNew && compareQuantities(capacity?.storage ?? "0", size) !== 0;
  const status: NonNullable<PersistentVolumeClaim["status"]> = {
    ...others,
    phase,
    ...(volume?.spec.accessModes !== undefined && { accessModes: volume.spec.accessModes }),
    ...(volume !== undefined && { capacity: grows ? volume.spec.capacity : capacity }),
    ...(volume !== undefined && {
      currentVolumeAttributesClassName: attributes
        ? volume.spec.volumeAttributesClassName
        : currentVolumeAttributesClassName,
    }),
  };
  if (JSON.stringify(sorted(status)) === JSON.stringify(sorted(claim.status ?? {}))) return;
  await client.updateStatus(resources.persistentvolumeclaims, { ...claim, status });
}

const sorted = (status: object) =>
  Object.entries(status)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
