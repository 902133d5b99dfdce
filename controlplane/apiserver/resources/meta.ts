import { dns1123Label, qualifiedName, type Rule } from "../../../client/rules/names.ts";
import type { ObjectMeta, OwnerReference } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, required, tooLong } from "./field-errors.ts";
import { validateLabels } from "./labels.ts";
import type { Check } from "./meta-checks.ts";

export type NameRule = Rule;

const annotationsBytesMax = 256 * 1024;

/** Metadata of any object; the rule for its name is the kind's. The name was already made from generateName. */
export function validateMeta(
  meta: ObjectMeta,
  options: {
    readonly namespaced: boolean;
    readonly nameRule: NameRule;
    readonly prefixIsFree?: true;
    /** Outside of Kubernetes' own kinds, and of a few of them, a finalizer needs no domain. */
    readonly plainFinalizers?: boolean;
  },
): readonly FieldError[] {
  return [
    ...validateName(meta, options),
    ...validateNamespace(meta, options.namespaced),
    ...validateLabels(meta.labels, "metadata.labels"),
    ...validateAnnotations(meta.annotations, "metadata.annotations"),
    ...validateOwners(meta.ownerReferences ?? []),
    ...validateFinalizers(meta.finalizers ?? [], "metadata.finalizers", options.plainFinalizers === true),
  ];
}

/** What is wrong with an object that changes, by what the server asks of every kind's metadata and then the kind's own rules.
 *  @param options.kept What an update may not change, and does.
 *  @param options.rules What is wrong with the rest of the object. */
export function problemsOfChange(
  meta: ObjectMeta,
  options: {
    readonly namespaced: boolean;
    readonly nameRule: NameRule;
    readonly kept: readonly FieldError[];
    readonly rules: readonly FieldError[];
    readonly checks: readonly Check[];
  },
): readonly FieldError[] {
  const whole = validateMeta(meta, options);
  // Nearly always: there is nothing to tell, however often one asks.
  if (whole.length === 0 && options.kept.length === 0 && options.rules.length === 0) return [];
  const inPlace = [
    ...validateLabels(meta.labels, "metadata.labels"),
    ...validateAnnotations(meta.annotations, "metadata.annotations"),
    ...validateOwners(meta.ownerReferences ?? []),
  ];
  const ownerless = (meta.finalizers ?? []).flatMap((one, index) =>
    ownerlessFinalizer(one, `metadata.finalizers[${index}]`),
  );
  const byCheck: Readonly<Record<Check, () => readonly FieldError[]>> = {
    change: () => [...options.kept, ...inPlace, ...ownerless],
    plainChange: () => [...options.kept, ...inPlace],
    whole: () => whole,
    plainWhole: () => validateMeta(meta, { ...options, plainFinalizers: true }),
    rules: () => options.rules,
  };
  const all: readonly Check[] = ["plainWhole", "plainChange", ...options.checks];
  return all.flatMap((check) => byCheck[check]());
}

const orphan = "orphan";
const foreground = "foregroundDeletion";

/** Kubernetes names the list where a name is none, the element where it is nobody's. */
function validateFinalizers(
  finalizers: readonly string[],
  field: string,
  isPlain: boolean,
): readonly FieldError[] {
  const problems: FieldError[] = finalizers.flatMap((one) =>
    qualifiedName(one).map((text) => invalid(field, one, text)),
  );
  if (finalizers.includes(orphan) && finalizers.includes(foreground)) {
    const text = `finalizer ${orphan} and ${foreground} cannot be both set`;
    problems.push(invalid(field, finalizers, text));
  }
  if (isPlain) return problems;
  return [...problems, ...finalizers.flatMap((one, index) => ownerlessFinalizer(one, `${field}[${index}]`))];
}

/** Only Kubernetes' own finalizers do without a domain. */
export function ownerlessFinalizer(finalizer: string, field: string): readonly FieldError[] {
  if (finalizer.includes("/") || ["kubernetes", orphan, foreground].includes(finalizer)) return [];
  return [invalid(field, finalizer, "name is neither a standard finalizer name nor is it fully qualified")];
}

function validateName(
  meta: ObjectMeta,
  { nameRule: rule, prefixIsFree }: { readonly nameRule: NameRule; readonly prefixIsFree?: true },
): readonly FieldError[] {
  const { name = "", generateName = "" } = meta;
  const problems: FieldError[] = [];
  if (generateName !== "" && !prefixIsFree) {
    // What the server appends makes a trailing dash harmless.
    const prefix =
      generateName.endsWith("-") && generateName.length > 1 ? `${generateName.slice(0, -1)}a` : generateName;
    problems.push(...rule(prefix).map((text) => invalid("metadata.generateName", generateName, text)));
  }
  if (name === "") problems.push(required("metadata.name", "name or generateName is required"));
  else problems.push(...rule(name).map((text) => invalid("metadata.name", name, text)));
  return problems;
}

function validateNamespace({ namespace = "" }: ObjectMeta, namespaced: boolean): readonly FieldError[] {
  if (!namespaced)
    return namespace === "" ? [] : [forbidden("metadata.namespace", "not allowed on this type")];
  if (namespace === "") return [required("metadata.namespace")];
  return dns1123Label(namespace).map((text) => invalid("metadata.namespace", namespace, text));
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  let sizeBytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    problems.push(...qualifiedName(key.toLowerCase()).map((text) => invalid(field, key, text)));
    sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (sizeBytes > annotationsBytesMax) problems.push(tooLong(field, annotationsBytesMax));
  return problems;
}

function validateOwners(owners: readonly OwnerReference[]): readonly FieldError[] {
  const problems: FieldError[] = [];
  // Kubernetes leaves the index out.
  const field = "metadata.ownerReferences";
  for (const owner of owners) {
    if (!owner.apiVersion)
      problems.push(invalid(`${field}.apiVersion`, owner.apiVersion, "version must not be empty"));
    if (!owner.kind) problems.push(invalid(`${field}.kind`, "", "must not be empty"));
    if (!owner.name) problems.push(invalid(`${field}.name`, "", "must not be empty"));
    if (!owner.uid) problems.push(invalid(`${field}.uid`, "", "must not be empty"));
    if (owner.kind === "Event" && owner.apiVersion === "v1")
      problems.push(invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner"));
  }
  const controllers = owners.filter((owner) => owner.controller === true);
  const [first, second] = controllers;
  if (first !== undefined && second !== undefined) {
    const text = `Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`;
    problems.push(invalid(field, owners, text));
  }
  return problems;
}
