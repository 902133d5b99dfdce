import type { DaemonSet } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import {
  age,
  ageColumn,
  column,
  containersAndImages,
  labelSelectorText,
  labelsText,
  podTemplateColumns,
} from "./cell-text.ts";
import { validateCount } from "./counts.ts";
import { validateRolling } from "./deployment-validation.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { immutable, notSupported } from "./field-errors.ts";
import { dns1123Subdomain } from "./names.ts";
import { defaultTemplate } from "./pod-defaults.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";
import { validateSelectorAndTemplate } from "./workload-validation.ts";

export const daemonSets = kindOf<DaemonSet>({
  group: "apps",
  version: "v1",
  kind: "DaemonSet",
  plural: "daemonsets",
  singular: "daemonset",
  shortNames: ["ds"],
  categories: ["all"],
  namespaced: true,
  storagePrefix: "daemonsets",
  hasGeneration: true,
  subresources: { status: true },
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    spec.revisionHistoryLimit ??= 10;
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    defaultTemplate(spec);
  },
  prepareForCreate(object) {
    object.status = {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    };
    object.metadata.annotations ??= {};
    object.metadata.annotations["deprecated.daemonset.template.generation"] ??= "1";
  },
  prepareForUpdate: keepStatus,
  dropDisabled: dropDisabledTemplate,
  validate: ({ spec }) => [
    ...validateSelectorAndTemplate(spec, ["Always"], "daemonset"),
    ...validateUpdateStrategy(spec),
    ...validateCount(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateCount(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
  ],
  validateUpdate: (next, current) => immutable("spec.selector", next.spec.selector, current.spec.selector),
  columns: [
    column("Desired", "integer"),
    column("Current", "integer"),
    column("Ready", "integer"),
    column("Up-to-date", "integer"),
    column("Available", "integer"),
    column("Node Selector"),
    ageColumn,
    ...podTemplateColumns,
  ],
  cells: ({ spec, status, metadata }, nowMs) => [
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    labelsText(spec.template?.spec?.nodeSelector),
    age(metadata.creationTimestamp, nowMs),
    ...containersAndImages(spec.template?.spec),
    labelSelectorText(spec.selector),
  ],
});

function validateUpdateStrategy({ updateStrategy }: DaemonSet["spec"]): readonly FieldError[] {
  const { type, rollingUpdate } = updateStrategy ?? {};
  if (type === "OnDelete") return [];
  if (type !== "RollingUpdate")
    return [notSupported("spec.updateStrategy.type", type, ["RollingUpdate", "OnDelete"])];
  return rollingUpdate === undefined
    ? []
    : validateRolling(rollingUpdate, "spec.updateStrategy.rollingUpdate");
}
