import type { PersistentVolume } from "../../../client/types.ts";
import { accessModesText, betaClassAnnotation } from "./access-modes.ts";
import { age, ageColumn, column, wideColumn } from "./cell-text.ts";
import { dns1123Subdomain } from "./names.ts";
import { validatePersistentVolume, validatePersistentVolumeUpdate } from "./persistent-volume-validation.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";
import { defaultVolumeSource } from "./volume-source-defaults.ts";

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
  validateUpdate: validatePersistentVolumeUpdate,
  selectableFields: ({ metadata }) => ({ name: metadata.name }),
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
