import { resources } from "../../../client/resources.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
} from "../../../client/types.ts";
import { prometheusLabels } from "./allow-lists.ts";
import { wholeAmount } from "./amounts.ts";
import { labelFamilies } from "./label-families.ts";
import {
  alpha,
  conditionSeries,
  created,
  createdHelp,
  deleted,
  deletedHelp,
  flag,
  info,
  one,
  oneOf,
  type Series,
  type StateKind,
  stable,
} from "./series.ts";

export const persistentVolumeKind: StateKind<PersistentVolume> = {
  resource: resources.persistentvolumes,
  labels: ({ metadata }) => ({ persistentvolume: metadata.name }),
  families: [
    stable(
      "kube_persistentvolume_claim_ref",
      "Information about the Persistent Volume Claim Reference.",
      ({ spec }) =>
        spec.claimRef === undefined
          ? []
          : info({ name: spec.claimRef.name ?? "", claim_namespace: spec.claimRef.namespace ?? "" }),
    ),
    ...labelFamilies<PersistentVolume>("persistentvolume", "persistentvolumes"),
    stable(
      "kube_persistentvolume_status_phase",
      "The phase indicates if a volume is available, bound to a claim, or released by a claim.",
      ({ status }) => oneOf("phase", ["Pending", "Available", "Bound", "Released", "Failed"], status?.phase),
    ),
    stable("kube_persistentvolume_info", "Information about persistentvolume.", volumeInfo),
    stable("kube_persistentvolume_capacity_bytes", "Persistentvolume capacity in bytes.", ({ spec }) =>
      one(spec.capacity?.storage === undefined ? 0 : wholeAmount(spec.capacity.storage)),
    ),
    alpha("kube_persistentvolume_created", createdHelp, created),
    alpha("kube_persistentvolume_deletion_timestamp", deletedHelp, deleted),
    alpha(
      "kube_persistentvolume_volume_mode",
      "Volume Mode information for the PersistentVolume.",
      ({ spec }) => info({ volumemode: spec.volumeMode ?? "Filesystem" }),
    ),
    alpha(
      "kube_persistentvolume_access_mode",
      "The access mode(s) specified by the persistent volume.",
      ({ spec }) => (spec.accessModes ?? []).flatMap((mode) => info({ access_mode: mode })),
    ),
  ],
};

function volumeInfo({ spec }: PersistentVolume): readonly Series[] {
  const { gcePersistentDisk, awsElasticBlockStore, azureDisk, fc, iscsi, nfs, csi, local, hostPath } = spec;
  return info({
    storageclass: spec.storageClassName ?? "",
    gce_persistent_disk_name: gcePersistentDisk?.pdName ?? "",
    ebs_volume_id: awsElasticBlockStore?.volumeID ?? "",
    azure_disk_name: azureDisk?.diskName ?? "",
    fc_wwids: fc?.wwids?.join(",") ?? "",
    fc_lun: fc?.lun === undefined ? "" : String(fc.lun),
    fc_target_wwns: fc?.targetWWNs?.join(",") ?? "",
    iscsi_target_portal: iscsi?.targetPortal ?? "",
    iscsi_iqn: iscsi?.iqn ?? "",
    iscsi_lun: iscsi === undefined ? "" : String(iscsi.lun),
    iscsi_initiator_name: iscsi?.initiatorName ?? "",
    nfs_server: nfs?.server ?? "",
    nfs_path: nfs?.path ?? "",
    csi_driver: csi?.driver ?? "",
    csi_volume_handle: csi?.volumeHandle ?? "",
    local_path: local?.path ?? "",
    local_fs: local?.fsType ?? "",
    host_path: hostPath?.path ?? "",
    host_path_type: hostPath?.type ?? "",
    reclaim_policy: spec.persistentVolumeReclaimPolicy ?? "",
  });
}

const classAnnotation = "volume.beta.kubernetes.io/storage-class";

export const persistentVolumeClaimKind: StateKind<PersistentVolumeClaim> = {
  resource: resources.persistentvolumeclaims,
  labels: ({ metadata }) => ({
    namespace: metadata.namespace ?? "",
    persistentvolumeclaim: metadata.name,
  }),
  families: [
    ...labelFamilies<PersistentVolumeClaim>("persistentvolumeclaim", "persistentvolumeclaims"),
    stable(
      "kube_persistentvolumeclaim_info",
      "Information about persistent volume claim.",
      ({ metadata, spec }) =>
        info({
          storageclass: metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? "",
          volumename: spec.volumeName ?? "",
          volumemode: spec.volumeMode ?? "",
        }),
    ),
    stable(
      "kube_persistentvolumeclaim_status_phase",
      "The phase the persistent volume claim is currently in.",
      ({ status }) => oneOf("phase", ["Lost", "Bound", "Pending"], status?.phase),
    ),
    stable(
      "kube_persistentvolumeclaim_resource_requests_storage_bytes",
      "The capacity of storage requested by the persistent volume claim.",
      ({ spec }) => {
        const asked = spec.resources?.requests?.storage;
        return one(asked === undefined ? undefined : wholeAmount(asked));
      },
    ),
    stable(
      "kube_persistentvolumeclaim_access_mode",
      "The access mode(s) specified by the persistent volume claim.",
      ({ spec }) => (spec.accessModes ?? []).flatMap((mode) => info({ access_mode: mode })),
    ),
    alpha(
      "kube_persistentvolumeclaim_status_condition",
      "Information about status of different conditions of persistent volume claim.",
      ({ status }) => conditionSeries(status?.conditions),
    ),
    alpha("kube_persistentvolumeclaim_created", createdHelp, created),
    alpha("kube_persistentvolumeclaim_deletion_timestamp", deletedHelp, deleted),
  ],
};

export const storageClassKind: StateKind<StorageClass> = {
  resource: resources.storageclasses,
  labels: ({ metadata }) => ({ storageclass: metadata.name }),
  families: [
    stable(
      "kube_storageclass_info",
      "Information about storageclass.",
      ({ provisioner, reclaimPolicy, volumeBindingMode }) =>
        info({
          provisioner,
          reclaim_policy: reclaimPolicy ?? "Delete",
          volume_binding_mode: volumeBindingMode ?? "Immediate",
        }),
    ),
    stable("kube_storageclass_created", createdHelp, created),
    ...labelFamilies<StorageClass>("storageclass", "storageclasses"),
  ],
};

export const volumeAttachmentKind: StateKind<VolumeAttachment> = {
  resource: resources.volumeattachments,
  labels: ({ metadata }) => ({ volumeattachment: metadata.name }),
  families: [
    alpha(
      "kube_volumeattachment_labels",
      "Kubernetes labels converted to Prometheus labels.",
      ({ metadata }) => info(prometheusLabels("label", metadata.labels ?? {})),
    ),
    alpha("kube_volumeattachment_info", "Information about volumeattachment.", ({ spec }) =>
      info({ attacher: spec.attacher, node: spec.nodeName }),
    ),
    alpha("kube_volumeattachment_created", createdHelp, created),
    alpha(
      "kube_volumeattachment_spec_source_persistentvolume",
      "PersistentVolume source reference.",
      ({ spec: { source } }) =>
        source.persistentVolumeName === undefined ? [] : info({ volumename: source.persistentVolumeName }),
    ),
    alpha("kube_volumeattachment_status_attached", "Information about volumeattachment.", ({ status }) =>
      flag(status?.attached),
    ),
    alpha("kube_volumeattachment_status_attachment_metadata", "volumeattachment metadata.", ({ status }) =>
      info(prometheusLabels("metadata", status?.attachmentMetadata ?? {})),
    ),
  ],
};
