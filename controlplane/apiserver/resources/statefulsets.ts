import { selectorFromLabelSelector, selectorText } from "../../../base/label-selector.ts";
import { dns1123Label } from "../../../client/rules/names.ts";
import type { StatefulSet } from "../../../client/types.ts";
import { claimSizeWarnings } from "./amount-warnings.ts";
import { age, ageColumn, column, containersAndImages, wideColumn } from "./cell-text.ts";
import { defaultClaimTemplate } from "./claim-defaults.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { defaultTemplate } from "./pod-defaults.ts";
import { templateWarnings } from "./pod-warnings.ts";
import { validateStatefulSet, validateStatefulSetUpdate } from "./statefulset-validation.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

export const statefulSets = kindOf<StatefulSet>({
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  plural: "statefulsets",
  singular: "statefulset",
  shortNames: ["sts"],
  categories: ["all"],
  namespaced: true,
  storagePrefix: "statefulsets",
  hasGeneration: true,
  subresources: {
    status: true,
    scale: {
      replicas: ({ spec }) => spec.replicas ?? 0,
      setReplicas: (object, replicas) => {
        object.spec.replicas = replicas;
      },
      currentReplicas: ({ status }) => status?.replicas ?? 0,
      selector: ({ spec }) => selectorText(selectorFromLabelSelector(spec.selector)),
    },
  },
  nameRule: dns1123Label,
  applyDefaults(object) {
    const { spec } = object;
    spec.podManagementPolicy ??= "OrderedReady";
    spec.updateStrategy ??= {};
    // A strategy that is named is left as it is.
    if (spec.updateStrategy.type === undefined) {
      spec.updateStrategy.type = "RollingUpdate";
      spec.updateStrategy.rollingUpdate ??= {};
    }
    const { type, rollingUpdate } = spec.updateStrategy;
    if (type === "RollingUpdate" && rollingUpdate !== undefined) rollingUpdate.partition ??= 0;
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= "Retain";
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= "Retain";
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    // Never absent in Kubernetes' types.
    spec.serviceName ??= "";
    defaultTemplate(spec);
    for (const claim of spec.volumeClaimTemplates ?? []) defaultClaimTemplate(claim);
    object.status ??= { replicas: 0 };
    object.status.replicas ??= 0;
    object.status.availableReplicas ??= 0;
  },
  prepareForCreate(object) {
    object.status = { replicas: 0, availableReplicas: 0 };
  },
  prepareForUpdate: keepStatus,
  dropDisabled(next, current, context) {
    dropDisabledTemplate(next, current, context);
    // MaxUnavailableStatefulSet
    const { rollingUpdate } = next.spec.updateStrategy ?? {};
    if (current?.spec.updateStrategy?.rollingUpdate?.maxUnavailable === undefined)
      delete rollingUpdate?.maxUnavailable;
  },
  validate: (object, _facts, current) => validateStatefulSet(object, current),
  validateUpdate: validateStatefulSetUpdate,
  columns: [column("Ready"), ageColumn, wideColumn("Containers"), wideColumn("Images")],
  warnings: statefulSetWarnings,
  cells: ({ spec, status, metadata }, nowMs) => [
    `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    age(metadata.creationTimestamp, nowMs),
    ...containersAndImages(spec.template?.spec),
  ],
});

function statefulSetWarnings({ spec, metadata }: StatefulSet, current?: StatefulSet): readonly string[] {
  const isNew = current === undefined || metadata.generation !== current.metadata.generation;
  // Kubernetes writes the path of a change's otherwise.
  const inside = current === undefined ? "" : ".Spec";
  const text = "a negative value retains all historical revisions; a value >= 0 is recommended";
  return [
    ...(isNew ? templateWarnings(spec.template, "spec.template") : []),
    ...(spec.volumeClaimTemplates ?? []).flatMap((claim, index) =>
      claimSizeWarnings(claim.spec, `spec.volumeClaimTemplates[${index}]${inside}`),
    ),
    ...((spec.revisionHistoryLimit ?? 0) < 0 ? [`spec.revisionHistoryLimit: ${text}`] : []),
  ];
}
