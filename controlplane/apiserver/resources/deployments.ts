import { selectorFromLabelSelector, selectorText } from "../../../base/label-selector.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Deployment } from "../../../client/types.ts";
import {
  age,
  ageColumn,
  column,
  containersAndImages,
  labelSelectorText,
  podTemplateColumns,
} from "./cell-text.ts";
import { validateDeployment, validateDeploymentStatus } from "./deployment-validation.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { immutable } from "./field-errors.ts";
import { defaultTemplate } from "./pod-defaults.ts";
import { ownerWarnings, templateWarnings } from "./pod-warnings.ts";
import { clearStatus, keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

export const deployments = kindOf<Deployment>({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  singular: "deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  namespaced: true,
  storagePrefix: "deployments",
  hasGeneration: true,
  alsoCounted: ({ metadata }) => metadata.annotations,
  statusKeeps: ["labels"],
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
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    spec.strategy ??= {};
    spec.strategy.type ??= "RollingUpdate";
    if (spec.strategy.type === "RollingUpdate") {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
      spec.strategy.rollingUpdate.maxSurge ??= "25%";
    }
    defaultTemplate(spec);
  },
  prepareForCreate: clearStatus,
  prepareForUpdate: keepStatus,
  dropDisabled: dropDisabledTemplate,
  validate: validateDeployment,
  validateUpdate: (next, current) =>
    immutable("spec.selector", next.spec.selector, current.spec.selector, "*meta.LabelSelector"),
  validateStatus: validateDeploymentStatus,
  columns: [column("Ready"), column("Up-to-date"), column("Available"), ageColumn, ...podTemplateColumns],
  warnings: (next, current) =>
    ownerWarnings(next, current, templateWarnings(next.spec.template, "spec.template")),
  cells: ({ spec, status, metadata }, nowMs) => [
    `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    age(metadata.creationTimestamp, nowMs),
    ...containersAndImages(spec.template?.spec),
    labelSelectorText(spec.selector),
  ],
});
