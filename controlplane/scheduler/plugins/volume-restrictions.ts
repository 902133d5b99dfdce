import type { Volume } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { Refusal } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import { claimMissing, isClaimOf } from "./pod-claims.ts";

const diskRefusal: Refusal = { reasons: ["node(s) had no available disk"], lasting: false };
const onceRefusal: Refusal = {
  reasons: [
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
  ],
  lasting: false,
};

/** Disks that only one pod of a node may have, and claims that only one pod of the cluster may. */
export const volumeRestrictions: PluginFactory = () => ({
  name: "VolumeRestrictions",
  helpedBy: {
    nodeAdded: () => true,
    podRemoved: (pod, { pod: other }) =>
      pod.namespace === other.namespace &&
      (pod.claims.some((key) => other.claims.includes(key)) || disksClash(restricted(pod), other)),
    claimChanged: isClaimOf,
  },
  prepareFilter: (pod, snapshot) => {
    const disks = restricted(pod);
    const once = new Set<string>();
    for (const { persistentVolumeClaim } of pod.pod.spec.volumes ?? []) {
      if (persistentVolumeClaim === undefined) continue;
      const name = persistentVolumeClaim.claimName;
      const claim = snapshot.storage.claim(pod.namespace, name);
      if (claim === undefined) return { nowhere: claimMissing(name) };
      if (claim.spec.accessModes?.includes("ReadWriteOncePod")) once.add(`${pod.namespace}/${name}`);
    }
    let users = 0;
    for (const key of once) if (snapshot.claimUsers(key) > 0) users++;
    if (disks.length === 0 && once.size === 0) return undefined;
    const place = (other: PodInfo, by: 1 | -1) => {
      for (const key of other.claims) if (once.has(key)) users += by;
    };
    return {
      filter: (node) => {
        if (disks.length > 0)
          for (const other of node.pods.values()) if (disksClash(disks, other)) return diskRefusal;
        return users > 0 ? onceRefusal : undefined;
      },
      add: (other) => place(other, 1),
      remove: (other) => place(other, -1),
    };
  },
});

/** Volumes that name a disk which cannot be anywhere at once. */
function restricted({ pod }: PodInfo): readonly Volume[] {
  return (pod.spec.volumes ?? []).filter(
    ({ gcePersistentDisk, awsElasticBlockStore, rbd, iscsi }) =>
      gcePersistentDisk !== undefined ||
      awsElasticBlockStore !== undefined ||
      rbd !== undefined ||
      iscsi !== undefined,
  );
}

function disksClash(disks: readonly Volume[], { pod }: PodInfo): boolean {
  return disks.some((disk) => (pod.spec.volumes ?? []).some((other) => isSameDisk(disk, other)));
}

/** Whether both name one disk and not both only read it. */
function isSameDisk(a: Volume, b: Volume): boolean {
  const reading = (one?: { readonly readOnly?: boolean }, other?: { readonly readOnly?: boolean }) =>
    one?.readOnly === true && other?.readOnly === true;
  const { gcePersistentDisk: gce, awsElasticBlockStore: aws, iscsi, rbd } = a;
  if (gce && gce.pdName === b.gcePersistentDisk?.pdName && !reading(gce, b.gcePersistentDisk)) return true;
  if (aws && aws.volumeID === b.awsElasticBlockStore?.volumeID) return true;
  if (iscsi && iscsi.iqn === b.iscsi?.iqn && !reading(iscsi, b.iscsi)) return true;
  if (rbd === undefined || b.rbd === undefined || reading(rbd, b.rbd)) return false;
  const { monitors } = b.rbd;
  return (
    rbd.image === b.rbd.image &&
    (rbd.pool ?? "rbd") === (b.rbd.pool ?? "rbd") &&
    rbd.monitors.some((monitor) => monitors.includes(monitor))
  );
}
