import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ResourceClaimTemplate } from "../../../client/types.ts";
import { GoForm } from "../schema/go-form.ts";
import { sameValue } from "../schema/same-value.ts";
import { age, ageColumn } from "./cell-text.ts";
import { validateTemplateMeta } from "./claim-validation.ts";
import { applyClaimDefaults, validateClaimSpec } from "./device-claim-validation.ts";
import { invalid } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

export const resourceClaimTemplates = kindOf<ResourceClaimTemplate>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaimTemplate",
  plural: "resourceclaimtemplates",
  singular: "resourceclaimtemplate",
  shortNames: [],
  categories: [],
  namespaced: true,
  returnsDeleted: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    const template: Partial<ResourceClaimTemplate["spec"]> = spec;
    template.metadata ??= {};
    template.spec ??= {};
    applyClaimDefaults(template.spec);
  },
  validate: () => [],
  validateCreate: ({ spec }) => [
    ...validateTemplateMeta(spec.metadata ?? {}, "spec.metadata"),
    ...validateClaimSpec(spec.spec, "spec.spec"),
  ],
  validateUpdate: (next, current) =>
    sameValue(next.spec, current.spec)
      ? []
      : [invalid("spec", new GoForm("resource.ResourceClaimTemplateSpec", next.spec), "field is immutable")],
  columns: [ageColumn],
  cells: ({ metadata }, nowMs) => [age(metadata.creationTimestamp, nowMs)],
});
