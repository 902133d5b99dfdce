import { localPath, localPathNode } from "../../../client/rules/local-path.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PersistentVolume } from "../../../client/types.ts";
import { accessModesText, betaClassAnnotation } from "./access-modes.ts";
import { age, ageColumn, column, wideColumn } from "./cell-text.ts";
import { nodeTermWarnings } from "./node-label-warnings.ts";
import {
  validateMountOptions,
  validatePersistentVolume,
  validatePersistentVolumeUpdate,
} from "./persistent-volume-validation.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";
import { defaultVolumeSource } from "./volume-source-defaults.ts";
import { volumeSourceWarnings } from "./volume-warnings.ts";

export const persistentVolumes = kindOf<PersistentVolume>({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  singular: "persistentvolume",
  shortNames: ["pv"],
  categories: [],
  namespaced: false,
  returnsDeleted: true,
  subresources: { status: true },
  nameRule: dns1123Subdomain,
  applyDefaults(volume) {
    volume.status ??= {};
    volume.status.phase ||= "Pending";
    const { spec } = volume;
    spec.persistentVolumeReclaimPolicy ||= "Retain";
    spec.volumeMode ??= "Filesystem";
    defaultVolumeSource(spec);
  },
  prepareForCreate(volume) {
    volume.status = { phase: "Pending", lastPhaseTransitionTime: volume.metadata.creationTimestamp };
  },
  prepareForUpdate: keepStatus,
  prepareForStatus(next, current, now) {
    const [after, before] = [next.status ?? {}, current.status ?? {}];
    next.status = after;
    if (after.phase === before.phase) {
      if (before.lastPhaseTransitionTime !== undefined)
        after.lastPhaseTransitionTime ??= before.lastPhaseTransitionTime;
    } else if (
      after.lastPhaseTransitionTime === undefined ||
      after.lastPhaseTransitionTime === before.lastPhaseTransitionTime
    )
      after.lastPhaseTransitionTime = now;
  },
  validate: validatePersistentVolume,
  validateCreate: validateMountOptions,
  validateUpdate: validatePersistentVolumeUpdate,
  warnings: persistentVolumeWarnings,
  selectableFields: (volume) => ({
    name: volume.metadata.name,
    [localPath.nodeField]: localPathNode(volume) ?? "",
  }),
  columns: [
    column("Capacity"),
    column("Access Modes"),
    column("Reclaim Policy"),
    column("Status"),
    column("Claim"),
    column("StorageClass"),
    column("VolumeAttributesClass"),
    column("Reason"),
    ageColumn,
    wideColumn("VolumeMode"),
  ],
  cells({ metadata, spec, status }, nowMs) {
    const { claimRef } = spec;
    return [
      spec.capacity?.storage ?? "0",
      accessModesText(spec.accessModes),
      spec.persistentVolumeReclaimPolicy ?? "",
      metadata.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating",
      claimRef === undefined ? "" : `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}`,
      metadata.annotations?.[betaClassAnnotation] ?? spec.storageClassName ?? "",
      spec.volumeAttributesClassName ?? "<unset>",
      status?.reason ?? "",
      age(metadata.creationTimestamp, nowMs),
      spec.volumeMode ?? "<unset>",
    ];
  },
});

const ofOld: Readonly<Record<string, string>> = {
  [betaClassAnnotation]: 'deprecated since v1.8; use "storageClassName" attribute instead',
  "volume.beta.kubernetes.io/mount-options": 'deprecated since v1.31; use "mountOptions" attribute instead',
};

function persistentVolumeWarnings({ metadata, spec }: PersistentVolume): readonly string[] {
  const recycle =
    "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
  return [
    ...Object.entries(ofOld).flatMap(([key, text]) =>
      metadata.annotations?.[key] === undefined ? [] : [`metadata.annotations[${key}]: ${text}`],
    ),
    ...(spec.persistentVolumeReclaimPolicy === "Recycle"
      ? [`spec.persistentVolumeReclaimPolicy: ${recycle}`]
      : []),
    ...(spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, index) =>
      nodeTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${index}]`, {
        isPreference: false,
      }),
    ),
    ...volumeSourceWarnings(spec),
  ];
}
