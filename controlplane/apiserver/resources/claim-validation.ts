import { compareQuantities, isQuantity, quantityRule } from "../../../base/quantity.ts";
import type { Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector, validateLabels } from "./labels.ts";
import { validateAnnotations } from "./meta.ts";
import { dns1123Subdomain } from "./names.ts";

type Template = NonNullable<Volume["ephemeral"]>["volumeClaimTemplate"];
type Spec = NonNullable<Template>["spec"];

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const volumeModes = ["Block", "Filesystem"];

/** The claim that a volume would be made from. */
export function validateClaimTemplate(template: Template | undefined, field: string): readonly FieldError[] {
  if (template === undefined) return [required(field)];
  return [
    ...validateTemplateMeta(template.metadata ?? {}, `${field}.metadata`),
    ...validateClaimSpec(template.spec ?? {}, `${field}.spec`),
  ];
}

function validateTemplateMeta(
  metadata: NonNullable<NonNullable<Template>["metadata"]>,
  field: string,
): readonly FieldError[] {
  const { labels, annotations, ...rest } = metadata;
  return [
    ...validateAnnotations(annotations, `${field}.annotations`),
    ...validateLabels(labels, `${field}.labels`),
    // All else is the maker's to say.
    ...Object.entries(rest).flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [forbidden(`${field}.${name}`, "cannot be set")],
    ),
  ];
}

export function validateClaimSpec(spec: Spec, field: string): readonly FieldError[] {
  const { accessModes: modes = [], resources, storageClassName, volumeMode, selector } = spec;
  const problems: FieldError[] = [];
  if (modes.length === 0)
    problems.push(required(`${field}.accessModes`, "at least 1 access mode is required"));
  problems.push(...validateLabelSelector(selector, `${field}.selector`));
  for (const mode of modes)
    if (!accessModes.includes(mode)) problems.push(notSupported(`${field}.accessModes`, mode, accessModes));
  if (modes.includes("ReadWriteOncePod") && modes.some((mode) => mode !== "ReadWriteOncePod"))
    problems.push(forbidden(`${field}.accessModes`, "may not use ReadWriteOncePod with other access modes"));
  problems.push(...validateStorage(resources?.requests?.storage, `${field}.resources[storage]`));
  if (storageClassName)
    problems.push(
      ...dns1123Subdomain(storageClassName).map((text) =>
        invalid(`${field}.storageClassName`, storageClassName, text),
      ),
    );
  if (volumeMode !== undefined && !volumeModes.includes(volumeMode))
    problems.push(notSupported(`${field}.volumeMode`, volumeMode, volumeModes));
  return problems;
}

function validateStorage(storage: string | undefined, field: string): readonly FieldError[] {
  if (storage === undefined) return [required(field)];
  if (!isQuantity(storage)) return [invalid(field, storage, quantityRule)];
  return compareQuantities(storage, "0") > 0 ? [] : [invalid(field, storage, "must be greater than zero")];
}
