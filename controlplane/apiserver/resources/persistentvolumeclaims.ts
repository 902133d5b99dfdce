import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PersistentVolumeClaim } from "../../../client/types.ts";
import { accessModesText, betaClassAnnotation } from "./access-modes.ts";
import { claimSizeWarnings } from "./amount-warnings.ts";
import { age, ageColumn, column, wideColumn } from "./cell-text.ts";
import { validateClaimStatus, validateClaimUpdate } from "./claim-update.ts";
import { validateClaimSpec } from "./claim-validation.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

type Spec = PersistentVolumeClaim["spec"];

export const persistentVolumeClaims = kindOf<PersistentVolumeClaim>({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  singular: "persistentvolumeclaim",
  shortNames: ["pvc"],
  categories: [],
  namespaced: true,
  returnsDeleted: true,
  subresources: { status: true },
  nameRule: dns1123Subdomain,
  applyDefaults(claim) {
    claim.status ??= {};
    claim.status.phase ||= "Pending";
    claim.spec.volumeMode ??= "Filesystem";
    claim.spec.resources ??= {};
  },
  prepareForCreate(claim) {
    claim.status = { phase: "Pending" };
    dropDataSources(claim.spec);
    matchDataSources(claim.spec);
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    dropDataSources(next.spec, current.spec);
    matchDataSources(next.spec);
  },
  validate: ({ spec }) => validateClaimSpec(spec, "spec"),
  validateUpdate: validateClaimUpdate,
  validateStatus: validateClaimStatus,
  warnings: ({ metadata, spec }) => [
    ...(metadata.annotations?.[betaClassAnnotation] === undefined
      ? []
      : [
          `metadata.annotations[${betaClassAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`,
        ]),
    ...claimSizeWarnings(spec, "spec"),
  ],
  selectableFields: ({ metadata }) => ({ name: metadata.name }),
  columns: [
    column("Status"),
    column("Volume"),
    column("Capacity"),
    column("Access Modes"),
    column("StorageClass"),
    column("VolumeAttributesClass"),
    ageColumn,
    wideColumn("VolumeMode"),
  ],
  cells({ metadata, spec, status }, nowMs) {
    const hasVolume = Boolean(spec.volumeName);
    return [
      metadata.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating",
      spec.volumeName ?? "",
      hasVolume ? (status?.capacity?.storage ?? "0") : "",
      hasVolume ? accessModesText(status?.accessModes) : "",
      metadata.annotations?.[betaClassAnnotation] ?? spec.storageClassName ?? "",
      spec.volumeAttributesClassName ?? "<unset>",
      age(metadata.creationTimestamp, nowMs),
      spec.volumeMode ?? "<unset>",
    ];
  },
});

/** Sources in other namespaces belong to a feature that is off, and the old field takes claims and snapshots only: all else
 *  was ignored there from the first, and still is. */
function dropDataSources(next: Spec, current?: Spec): void {
  if (next.dataSourceRef?.namespace && current?.dataSourceRef === undefined) delete next.dataSourceRef;
  const inUse = current?.dataSource !== undefined || current?.dataSourceRef !== undefined;
  if (inUse || next.dataSourceRef !== undefined || next.dataSource === undefined) return;
  const { kind, apiGroup = "" } = next.dataSource;
  const isClaim = kind === "PersistentVolumeClaim" && apiGroup === "";
  if (!isClaim && !(kind === "VolumeSnapshot" && apiGroup === "snapshot.storage.k8s.io"))
    delete next.dataSource;
}

/** Who knows only one of the two fields sees the source there. */
function matchDataSources(spec: Spec): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource !== undefined) spec.dataSourceRef ??= { ...dataSource };
  else if (dataSourceRef !== undefined && !dataSourceRef.namespace) {
    const { namespace: _, ...local } = dataSourceRef;
    spec.dataSource = local;
  }
}
