import { selectorFromLabels, selectorText } from "../../../base/label-selector.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ReplicationController } from "../../../client/types.ts";
import { age, ageColumn, column, containersAndImages, labelsText, podTemplateColumns } from "./cell-text.ts";
import { validateCount } from "./counts.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { invalid, required } from "./field-errors.ts";
import { validateLabels } from "./labels.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import { ownerWarnings, templateWarnings } from "./pod-warnings.ts";
import { clearStatus, keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";
import { validateReplicaSetStatus } from "./workload-status.ts";
import { noDeadline, validateTemplate } from "./workload-validation.ts";

export const replicationControllers = kindOf<ReplicationController>({
  group: "",
  version: "v1",
  kind: "ReplicationController",
  plural: "replicationcontrollers",
  singular: "replicationcontroller",
  shortNames: ["rc"],
  categories: ["all"],
  namespaced: true,
  storagePrefix: "controllers",
  hasGeneration: true,
  orphansByDefault: true,
  subresources: {
    status: true,
    scale: {
      replicas: ({ spec }) => spec.replicas ?? 0,
      setReplicas: (object, replicas) => {
        object.spec.replicas = replicas;
      },
      currentReplicas: ({ status }) => status?.replicas ?? 0,
      selector: ({ spec }) => selectorText(selectorFromLabels(spec.selector)),
    },
  },
  nameRule: dns1123Subdomain,
  prefixIsFree: true,
  applyDefaults({ spec, metadata }) {
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    }
    spec.replicas ??= 1;
    if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
  },
  prepareForCreate(object) {
    clearStatus(object);
    object.status = { replicas: 0 };
  },
  prepareForUpdate: keepStatus,
  dropDisabled: dropDisabledTemplate,
  validate: ({ spec }) => {
    const selector = spec.selector ?? {};
    const problems = [
      ...validateLabels(selector, "spec.selector"),
      ...validateCount(spec.replicas, "spec.replicas"),
      ...validateCount(spec.minReadySeconds, "spec.minReadySeconds"),
    ];
    if (Object.keys(selector).length === 0) problems.push(required("spec.selector"));
    if (spec.template === undefined) return [...problems, required("spec.template")];
    const labels = spec.template.metadata?.labels ?? {};
    if (Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
      const text = "`selector` does not match template `labels`";
      problems.push(invalid("spec.template.metadata.labels", labels, text));
    }
    return [
      ...problems,
      ...validateTemplate(spec.template, "spec.template", ["Always"]),
      ...noDeadline(spec.template, "ReplicationController"),
    ];
  },
  validateStatus: ({ status }) => validateReplicaSetStatus(status),
  warnings: (next, current) =>
    ownerWarnings(next, current, templateWarnings(next.spec.template, "spec.template")),
  selectableFields: ({ status }) => ({ "status.replicas": String(status?.replicas ?? 0) }),
  columns: [
    column("Desired", "integer"),
    column("Current", "integer"),
    column("Ready", "integer"),
    ageColumn,
    ...podTemplateColumns,
  ],
  cells: ({ spec, status, metadata }, nowMs) => [
    spec.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    age(metadata.creationTimestamp, nowMs),
    ...containersAndImages(spec.template?.spec),
    labelsText(spec.selector),
  ],
});
