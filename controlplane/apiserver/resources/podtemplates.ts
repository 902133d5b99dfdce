import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PodTemplate } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { column, containersAndImages, labelsText } from "./cell-text.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { defaultTemplate } from "./pod-defaults.ts";
import { templateWarnings } from "./pod-warnings.ts";
import { kindOf } from "./typed-kind.ts";
import { validateTemplate } from "./workload-validation.ts";

export const podTemplates = kindOf<PodTemplate>({
  group: "",
  version: "v1",
  kind: "PodTemplate",
  plural: "podtemplates",
  singular: "podtemplate",
  shortNames: [],
  categories: [],
  namespaced: true,
  returnsDeleted: true,
  storagePrefix: "podtemplates",
  hasGeneration: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults(object) {
    defaultTemplate(object);
    if (object.template !== undefined) object.template.metadata ??= {};
  },
  prepareForUpdate(next, current) {
    if (!sameValue(next.template, current.template))
      next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  },
  dropDisabled: (next, current, context) =>
    dropDisabledTemplate({ spec: next }, current && { spec: current }, context),
  validate: ({ template }): readonly FieldError[] => validateTemplate(template ?? {}, "template"),
  columns: [column("Containers"), column("Images"), column("Pod Labels")],
  warnings: ({ template, metadata }, current) =>
    current !== undefined && metadata.generation === current.metadata.generation
      ? []
      : templateWarnings(template, "template"),
  cells: ({ template }) => [...containersAndImages(template?.spec), labelsText(template?.metadata?.labels)],
});
