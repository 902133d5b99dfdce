import { selectorFromLabelSelector, selectorText } from "../../../base/label-selector.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ReplicaSet } from "../../../client/types.ts";
import {
  age,
  ageColumn,
  column,
  containersAndImages,
  labelSelectorText,
  podTemplateColumns,
} from "./cell-text.ts";
import { validateCount } from "./counts.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { immutable } from "./field-errors.ts";
import { defaultTemplate } from "./pod-defaults.ts";
import { ownerWarnings, templateWarnings } from "./pod-warnings.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";
import { validateReplicaSetStatus } from "./workload-status.ts";
import { validateSelectorAndTemplate } from "./workload-validation.ts";

export const replicaSets = kindOf<ReplicaSet>({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  singular: "replicaset",
  shortNames: ["rs"],
  categories: ["all"],
  namespaced: true,
  storagePrefix: "replicasets",
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
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    spec.replicas ??= 1;
    defaultTemplate(spec);
  },
  prepareForCreate(object) {
    object.status = { replicas: 0 };
  },
  prepareForUpdate: keepStatus,
  dropDisabled: dropDisabledTemplate,
  validate: ({ spec }) => [
    ...validateCount(spec.replicas, "spec.replicas"),
    ...validateCount(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateSelectorAndTemplate(spec, ["Always"]),
  ],
  validateUpdate: (next, current) =>
    immutable("spec.selector", next.spec.selector, current.spec.selector, "*meta.LabelSelector"),
  validateStatus: ({ status }) => validateReplicaSetStatus(status),
  columns: [
    column("Desired", "integer"),
    column("Current", "integer"),
    column("Ready", "integer"),
    ageColumn,
    ...podTemplateColumns,
  ],
  warnings: (next, current) =>
    ownerWarnings(next, current, templateWarnings(next.spec.template, "spec.template")),
  cells: ({ spec, status, metadata }, nowMs) => [
    spec.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    age(metadata.creationTimestamp, nowMs),
    ...containersAndImages(spec.template?.spec),
    labelSelectorText(spec.selector),
  ],
});
