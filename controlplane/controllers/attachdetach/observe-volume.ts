import type { Informer } from "../../../client/informer.ts";
import { keyOf, keyOfRef } from "../../../client/object-cache.ts";
import {
  attachmentName,
  csiVolumeOf,
  uniqueName,
  volumeNamed,
} from "../../../client/rules/csi-volume-names.ts";
import { isMadeFor, volumeClaims } from "../../../client/rules/volume-claims.ts";
import type {
  CSIDriver,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  VolumeAttachment,
} from "../../../client/types.ts";
import { isNodeReady, isOutOfService } from "../node-state.ts";
import type { GoneNodes } from "./gone-nodes.ts";

/** Indexes and look-ups: what the caches show of one volume of a CSI driver. */

export interface AttachSources {
  readonly pods: Informer<Pod>;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly nodes: Informer<Node>;
  readonly attachments: Informer<VolumeAttachment>;
  readonly drivers: Informer<CSIDriver>;
  readonly gone: GoneNodes;
}

const podsByClaim = "volume-claims";
const volumesByName = "csi-volume";
const nodesByVolume = "volumes-attached";
const attachmentsByVolume = "persistent-volume";
const attachmentsByNode = "attachment-node";
/** A node that carries it leaves attaching to controllers. */
const managedAnnotation = "volumes.kubernetes.io/controller-managed-attach-detach";

const claimKeys = (pod: Pod): readonly string[] =>
  volumeClaims(pod).map(({ name }) => keyOfRef({ namespace: pod.metadata.namespace, name }));
const attachedNames = ({ status }: Node): readonly string[] =>
  (status?.volumesAttached ?? []).map(({ name }) => name);
const namesOfVolume = (volume: PersistentVolume): readonly string[] => {
  const csi = csiVolumeOf(volume);
  return csi === undefined ? [] : [uniqueName(csi)];
};

/** Call when setting up. */
export function indexVolumes({ pods, volumes, nodes, attachments }: AttachSources): void {
  pods.addIndex(podsByClaim, claimKeys);
  volumes.addIndex(volumesByName, namesOfVolume);
  nodes.addIndex(nodesByVolume, attachedNames);
  attachments.addIndex(attachmentsByVolume, ({ spec }) => {
    const name = spec.source.persistentVolumeName;
    return name === undefined ? [] : [name];
  });
  attachments.addIndex(attachmentsByNode, ({ spec }) => [spec.nodeName]);
}

/** Names of the volumes that the pod's claims are bound to. */
export const volumesOfPod = (sources: AttachSources, pod: Pod): readonly string[] =>
  claimKeys(pod).flatMap((key) => volumesOfClaim(sources, sources.claims.getByKey(key)));

export function volumesOfClaim(
  { volumes }: AttachSources,
  claim: PersistentVolumeClaim | undefined,
): readonly string[] {
  const volume = claim?.spec.volumeName ? volumes.getByKey(claim.spec.volumeName) : undefined;
  return volume === undefined ? [] : namesOfVolume(volume);
}

/** The volume that an attachment is about; undefined where neither a persistent volume nor its node says so. */
export function volumeOfAttachment(
  sources: AttachSources,
  { metadata, spec }: VolumeAttachment,
): string | undefined {
  const volume = sources.volumes.getByKey(spec.source.persistentVolumeName ?? "");
  if (volume !== undefined) return namesOfVolume(volume)[0];
  const node = lastSeen(sources, spec.nodeName);
  return (node === undefined ? [] : attachedNames(node)).find((name) => {
    const csi = volumeNamed(name);
    return csi !== undefined && attachmentName(csi, spec.nodeName) === metadata.name;
  });
}

/** Whether anything is, or is being, attached to a node. */
export const hasAttachments = ({ attachments }: AttachSources, node: string): boolean =>
  attachments.byIndex(attachmentsByNode, node).length > 0;

/** A node, or what it was when it went. */
const lastSeen = ({ nodes, gone }: AttachSources, name: string): Node | undefined =>
  nodes.getByKey(name) ?? gone.get(name);

/** The volumes that are, or are being, attached to a node. */
export function volumesOnNode(sources: AttachSources, node: Node): readonly string[] {
  const asked = sources.attachments
    .byIndex(attachmentsByNode, node.metadata.name)
    .flatMap((attachment) => volumeOfAttachment(sources, attachment) ?? []);
  return [...attachedNames(node), ...asked];
}

export const volumesOfDriver = ({ volumes }: AttachSources, driver: string): readonly string[] =>
  volumes.list().flatMap((volume) => (volume.spec.csi?.driver === driver ? namesOfVolume(volume) : []));

/** One node as far as it concerns a volume. */
export interface NodeOfVolume {
  readonly name: string;
  readonly node: Node | undefined;
  /** What it was when it went, where it is gone; undefined: nobody knows. */
  readonly last: Node | undefined;
  readonly pods: readonly Pod[];
  readonly attachment: VolumeAttachment | undefined;
}

/** The persistent volume that stands for `name`, where attaching it is called for, and all nodes that have or want it. */
export function observeVolume(
  sources: AttachSources,
  name: string,
): { readonly volume: PersistentVolume | undefined; readonly nodes: readonly NodeOfVolume[] } {
  const { volumes, nodes, attachments, drivers } = sources;
  const csi = volumeNamed(name);
  if (csi === undefined) return { volume: undefined, nodes: [] };
  const candidates = volumes.byIndex(volumesByName, name);
  const users = candidates.map((volume) => ({ volume, pods: podsOfVolume(sources, volume) }));
  const used = users.find(({ pods }) => pods.length > 0)?.volume ?? candidates[0];
  const isAttached = drivers.getByKey(csi.driver)?.spec.attachRequired !== false;
  const byNode = new Map<string, { pods: Pod[]; attachment?: VolumeAttachment }>();
  const entry = (node: string) => {
    const found = byNode.get(node) ?? { pods: [] };
    byNode.set(node, found);
    return found;
  };
  for (const { metadata } of nodes.byIndex(nodesByVolume, name)) entry(metadata.name);
  for (const { pods } of users) for (const pod of pods) entry(pod.spec.nodeName ?? "").pods.push(pod);
  for (const volume of candidates)
    for (const attachment of attachments.byIndex(attachmentsByVolume, volume.metadata.name))
      if (attachment.spec.attacher === csi.driver) entry(attachment.spec.nodeName).attachment = attachment;
  const found = [...byNode].map(([node, { pods, attachment }]) => ({
    name: node,
    node: nodes.getByKey(node),
    last: lastSeen(sources, node),
    pods,
    attachment: attachment ?? attachments.getByKey(attachmentName(csi, node)),
  }));
  return { volume: isAttached ? used : undefined, nodes: found };
}

/** Pods that need the volume on nodes that leave attaching to us. */
function podsOfVolume(sources: AttachSources, volume: PersistentVolume): readonly Pod[] {
  const { claims, pods } = sources;
  const { name = "", namespace, uid } = volume.spec.claimRef ?? {};
  const claim = claims.getByKey(keyOfRef({ namespace, name }));
  if (claim?.metadata.uid !== uid || claim?.status?.phase !== "Bound") return [];
  if (claim.spec.volumeName !== volume.metadata.name) return [];
  return pods.byIndex(podsByClaim, keyOf(claim)).filter((pod) => {
    const node = lastSeen(sources, pod.spec.nodeName ?? "");
    const isManaged = node?.metadata.annotations?.[managedAnnotation] !== undefined;
    const isMeant = volumeClaims(pod).some(
      (one) => one.name === claim.metadata.name && (!one.isOwned || isMadeFor(claim, pod)),
    );
    return isManaged && isMeant && !hasStopped(pod);
  });
}

/** Kubernetes' IsPodTerminated: it does not run any more, whatever its node has still to do for it. */
function hasStopped({ metadata, status = {} }: Pod): boolean {
  if (status.phase === "Failed" || status.phase === "Succeeded") return true;
  const { initContainerStatuses, containerStatuses, ephemeralContainerStatuses } = status;
  const all = [initContainerStatuses, containerStatuses, ephemeralContainerStatuses].flatMap(
    (list) => list ?? [],
  );
  return (
    metadata.deletionTimestamp !== undefined &&
    all.every(({ state }) => state?.terminated !== undefined || state?.waiting !== undefined)
  );
}

/** Whether the node says that the volume is mounted, or about to be. */
export const isInUse = ({ status }: Node, name: string): boolean =>
  status?.volumesInUse?.includes(name) ?? false;

/** Whether the node was told that the volume may be mounted. */
export const isReported = (node: Node, name: string): boolean => attachedNames(node).includes(name);

/** Whether a change of a node may change what is to be attached or detached there. */
export const differs = (next: Node, before: Node): boolean =>
  [
    ({ status }: Node) => status?.volumesAttached,
    ({ status }: Node) => status?.volumesInUse,
    ({ metadata }: Node) => metadata.annotations?.[managedAnnotation],
    isNodeReady,
    isOutOfService,
  ].some((read) => JSON.stringify(read(next)) !== JSON.stringify(read(before)));
