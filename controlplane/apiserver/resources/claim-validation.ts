import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PersistentVolumeClaim, Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateAccessModes, volumeModes } from "./access-modes.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector, validateLabels } from "./labels.ts";
import { validateAnnotations } from "./meta.ts";
import { validatePositive } from "./storage-amounts.ts";

type Template = NonNullable<Volume["ephemeral"]>["volumeClaimTemplate"];
type Spec = PersistentVolumeClaim["spec"];

/** The claim that a volume would be made from. */
export function validateClaimTemplate(template: Template | undefined, field: string): readonly FieldError[] {
  if (template === undefined) return [required(field)];
  return [
    ...validateTemplateMeta(template.metadata ?? {}, `${field}.metadata`),
    ...validateClaimSpec(template.spec ?? {}, `${field}.spec`),
  ];
}

export function validateTemplateMeta(
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
  problems.push(...validateAccessModes(modes, `${field}.accessModes`));
  problems.push(...validateStorage(resources?.requests?.storage, `${field}.resources[storage]`));
  problems.push(...className(storageClassName, `${field}.storageClassName`));
  if (volumeMode !== undefined && !volumeModes.includes(volumeMode))
    problems.push(notSupported(`${field}.volumeMode`, volumeMode, volumeModes));
  problems.push(...validateDataSources(spec, field));
  problems.push(...className(spec.volumeAttributesClassName, `${field}.volumeAttributesClassName`));
  return problems;
}

function className(name: string | undefined, field: string): readonly FieldError[] {
  return name ? dns1123Subdomain(name).map((text) => invalid(field, name, text)) : [];
}

function validateStorage(storage: string | undefined, field: string): readonly FieldError[] {
  return storage === undefined ? [required(field)] : validatePositive(storage, field);
}

type Source = NonNullable<Spec["dataSourceRef"]>;

/** What the volume is to be filled with: two fields of old and new, which say the same where both are given. */
function validateDataSources({ dataSource, dataSourceRef }: Spec, field: string): readonly FieldError[] {
  const problems: FieldError[] = [
    ...validateDataSource(dataSource, `${field}.dataSource`),
    ...validateDataSource(dataSourceRef, `${field}.dataSourceRef`),
  ];
  if (dataSource === undefined || dataSourceRef === undefined) return problems;
  // Kubernetes means to show the field's path, which has nothing to show.
  const disagree = (text: string) => problems.push(invalid(field, {}, text));
  if (dataSourceRef.namespace) disagree("may not be specified when dataSourceRef.namespace is specified");
  else if (!sameSource(dataSource, dataSourceRef)) disagree("must match dataSourceRef");
  return problems;
}

function validateDataSource(source: Source | undefined, field: string): readonly FieldError[] {
  if (source === undefined) return [];
  const { name, kind = "", apiGroup = "", namespace } = source;
  const problems: FieldError[] = [];
  if (!name) problems.push(required(`${field}.name`));
  if (kind === "") problems.push(required(`${field}.kind`));
  if (apiGroup === "" && kind !== "PersistentVolumeClaim") {
    const text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    problems.push(invalid(field, kind, text));
  }
  if (apiGroup !== "")
    problems.push(...dns1123Subdomain(apiGroup).map((text) => invalid(`${field}.apiGroup`, apiGroup, text)));
  if (namespace)
    problems.push(...dns1123Label(namespace).map((text) => invalid(`${field}.namespace`, namespace, text)));
  return problems;
}

function sameSource(a: Source, b: Source): boolean {
  return a.kind === b.kind && a.name === b.name && (a.apiGroup ?? null) === (b.apiGroup ?? null);
}
