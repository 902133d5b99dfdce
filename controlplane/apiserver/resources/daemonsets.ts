import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { DaemonSet } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import {
  age,
  ageColumn,
  column,
  containersAndImages,
  labelSelectorText,
  labelsText,
  podTemplateColumns,
} from "./cell-text.ts";
import { validateCount, validateCounts, validateShare } from "./counts.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { immutable, invalid, notSupported, required } from "./field-errors.ts";
import { fillIn } from "./fill-in.ts";
import { defaultTemplate } from "./pod-defaults.ts";
import { templateWarnings } from "./pod-warnings.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";
import { validateCollisions } from "./workload-status.ts";
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
  bareMetadata({ annotations: { [templateGeneration]: _, ...annotations } = {}, ...metadata }) {
    return { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) };
  },
  applyDefaults({ metadata, spec }) {
    fillIn(metadata, "annotations", { [templateGeneration]: "0" });
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
    countTemplates(object, Math.max(generationOf(object), 1));
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    const isNew = !sameValue(next.spec.template, current.spec.template);
    countTemplates(next, generationOf(current) + (isNew ? 1 : 0));
  },
  prepareForStatus: (next, current) => countTemplates(next, generationOf(current)),
  dropDisabled: dropDisabledTemplate,
  validate: ({ spec }, _facts, current) => [
    ...(current === undefined
      ? []
      : immutable("spec.selector", spec.selector, current.spec.selector, "*meta.LabelSelector")),
    ...validateSelectorAndTemplate(spec, ["Always"], "daemonset"),
    ...validateUpdateStrategy(spec),
    ...validateCount(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateCount(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
  ],
  validateStatus: ({ status }, current) => [
    ...validateCounts(status, statusCounts),
    ...validateCollisions(status, current.status),
  ],
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
  warnings: (next, current) =>
    current !== undefined && sameValue(next.spec.template, current.spec.template)
      ? []
      : templateWarnings(next.spec.template, "spec.template"),
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

/** A field of the form in which Kubernetes keeps daemon sets, shown as an annotation. */
const templateGeneration = "deprecated.daemonset.template.generation";

function generationOf({ metadata }: DaemonSet): number {
  return Number.parseInt(metadata.annotations?.[templateGeneration] ?? "0", 10) || 0;
}

function countTemplates({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

const statusCounts = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
] as const;

function validateUpdateStrategy({ updateStrategy }: DaemonSet["spec"]): readonly FieldError[] {
  const { type, rollingUpdate } = updateStrategy ?? {};
  if (type === "OnDelete") return [];
  const field = "spec.updateStrategy";
  if (type !== "RollingUpdate") {
    const { maxUnavailable, maxSurge } = rollingUpdate ?? {};
    const rolling = rollingUpdate ? { MaxUnavailable: maxUnavailable, MaxSurge: maxSurge } : null;
    return [notSupported(field, { Type: type, RollingUpdate: rolling }, ["RollingUpdate", "OnDelete"])];
  }
  return rollingUpdate === undefined ? [] : validateRollingDaemons(rollingUpdate, `${field}.rollingUpdate`);
}

type Rolling = NonNullable<NonNullable<DaemonSet["spec"]["updateStrategy"]>["rollingUpdate"]>;

/** Either old pods may be missing for a while, or there may be a second one: not both, and not neither. */
function validateRollingDaemons(
  { maxUnavailable = 0, maxSurge = 0 }: Rolling,
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [
    ...validateShare(maxUnavailable, `${field}.maxUnavailable`, { percentMax: 100 }),
    ...validateShare(maxSurge, `${field}.maxSurge`, { percentMax: 100 }),
  ];
  const some = (share: string | number) => Number.parseInt(String(share), 10) !== 0;
  if (some(maxUnavailable) && some(maxSurge))
    problems.push(invalid(`${field}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  if (!some(maxUnavailable) && !some(maxSurge))
    problems.push(required(`${field}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  return problems;
}
