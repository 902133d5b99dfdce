import { dns1035Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { FieldError } from "../registry/kind.ts";
import { immutable, invalid, notSupported, required } from "../resources/field-errors.ts";
import type { NameRule } from "../resources/meta.ts";
import { sameValue } from "../schema/same-value.ts";
import { conversionProblems } from "./conversion-validation.ts";
import { conditionOf, type Definition, type DefinitionNames, type DefinitionSpec } from "./definition.ts";
import { type InnerForm, innerForm, schemasOf, shownVersions } from "./definition-form.ts";
import { invalidShown, type ShownVersion } from "./go-shown.ts";
import { approvalProblems } from "./group-approval.ts";
import type { RuleTimes } from "./rule-times.ts";
import { hasSchema } from "./structural.ts";
import { versionSchemaProblems } from "./version-schema-validation.ts";
import { columnProblems, selectableProblems, subresourceProblems } from "./view-validation.ts";

/** The rule for a new definition's name, also where the server makes it up: it says what is defined. */
export function definitionName({ spec }: Definition): NameRule {
  const wanted = `${spec.names.plural}.${spec.group}`;
  return (name) => [
    ...dns1123Subdomain(name),
    ...(name === wanted ? [] : [`must be spec.names.plural+"."+spec.group`]),
  ];
}

/** Everything that Kubernetes checks of a CustomResourceDefinition beside what it checks of all metadata, in its words and at the
 *  paths of its internal form. Pure.
 *  @param old What is stored, in an update: rules that came later than it are not held against it. */
export function validateDefinition(
  definition: Definition,
  old?: Definition,
  ruleTimes?: RuleTimes,
): readonly FieldError[] {
  const { spec, status } = definition;
  const inner = innerForm(spec);
  return [
    ...specProblems(spec, inner, { old, ruleTimes }),
    ...(old === undefined ? [] : changeProblems(spec, old)),
    ...(status?.acceptedNames === undefined
      ? []
      : nameProblems(status.acceptedNames, "status.acceptedNames")),
    ...storedVersionProblems(definition),
    ...approvalProblems(definition, old),
    ...preserveProblems(spec, old?.spec),
  ];
}

interface Around {
  readonly old: Definition | undefined;
  readonly ruleTimes: RuleTimes | undefined;
}

function specProblems(spec: DefinitionSpec, inner: InnerForm, around: Around): readonly FieldError[] {
  const { old } = around;
  const { group = "", scope = "", names } = spec;
  const problems: FieldError[] = [];
  if (group === "") problems.push(required("spec.group"));
  else {
    const faults = dns1123Subdomain(group);
    if (faults.length > 0) problems.push(invalid("spec.group", group, faults.join(",")));
    else if (!group.includes("."))
      problems.push(invalid("spec.group", group, "should be a domain with at least one dot"));
  }
  if (scope === "") problems.push(required("spec.scope"));
  else if (scope !== "Cluster" && scope !== "Namespaced")
    problems.push(notSupported("spec.scope", scope, ["Cluster", "Namespaced"]));
  problems.push(...schemaPresence(spec, inner, old?.spec), ...versionProblems(spec, inner, around));
  for (const field of ["plural", "singular", "kind", "listKind"] as const)
    if (!names[field]) problems.push(required(`spec.names.${field}`));
  problems.push(
    ...nameProblems(names, "spec.names"),
    ...partProblems(inner, "spec", {
      schemaKey: "validation",
      hasStatus: [inner, ...inner.versions].some(({ subresources }) => subresources?.status !== undefined),
      versionName: spec.versions?.[0]?.name ?? "",
      ...around,
      withoutSchema: "may only be set when validations.schema is included",
    }),
  );
  if (spec.preserveUnknownFields === true && (spec.conversion?.strategy ?? "None") !== "None")
    problems.push(
      invalid(
        "spec.conversion.strategy",
        spec.conversion?.strategy,
        "must be None if spec.preserveUnknownFields is true",
      ),
    );
  const oldConversion = old?.spec.conversion;
  problems.push(
    ...conversionProblems(spec.conversion, "spec.conversion", {
      ...(oldConversion !== undefined && { old: oldConversion }),
      established: old !== undefined && isEstablished(old),
    }),
  );
  return problems;
}

const isEstablished = (definition: Definition) => conditionOf(definition, "Established")?.status === "True";

/** Definitions of old may have versions without a schema, as long as they keep unknown fields. */
function schemaPresence(
  spec: DefinitionSpec,
  inner: InnerForm,
  old: DefinitionSpec | undefined,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const isStrict = old === undefined || schemasOf(old).length === (old.versions ?? []).length;
  const mayMiss = !isStrict && spec.preserveUnknownFields === true;
  if (inner.schema?.openAPIV3Schema === undefined && !mayMiss)
    for (const [index, { served, schema }] of inner.versions.entries())
      if ((isStrict || served) && schema?.openAPIV3Schema === undefined)
        problems.push(
          required(
            `spec.versions[${index}].schema.openAPIV3Schema`,
            isStrict ? "" : "because otherwise all fields are pruned",
          ),
        );
  const hasDefaults = schemasOf(spec).some((schema) =>
    hasSchema(schema, (one) => (one.default ?? undefined) !== undefined),
  );
  if (hasDefaults && spec.preserveUnknownFields === true)
    problems.push(
      invalid("spec.preserveUnknownFields", true, "must be false in order to use defaults in the schema"),
    );
  return problems;
}

function versionProblems(spec: DefinitionSpec, inner: InnerForm, around: Around): readonly FieldError[] {
  const { versions } = inner;
  const problems: FieldError[] = [];
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}]`;
    const name = version.name ?? "";
    const faults = dns1035Label(name);
    if (faults.length > 0) problems.push(invalid(`${path}.name`, name, faults.join(",")));
    problems.push(...deprecationProblems(version, `${path}.deprecationWarning`));
    const subresources = inner.subresources ?? version.subresources;
    problems.push(
      ...partProblems(version, path, {
        schemaKey: "schema",
        hasStatus: subresources?.status !== undefined,
        versionName: name,
        ...around,
        withoutSchema: "may only be set when `version.schema.openAPIV3Schema` is not included",
      }),
    );
  }
  const all = (detail: string) =>
    problems.push(invalidShown("spec.versions", shownVersions(versions), detail));
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    all("must contain unique version names");
  if (versions.filter(({ storage }) => storage).length !== 1)
    all("must have exactly one version marked as storage version");
  const [first] = spec.versions ?? [];
  if (first !== undefined) {
    const faults = dns1035Label(first.name ?? "");
    if (first.name && faults.length > 0) problems.push(invalid("spec.version", first.name, faults.join(",")));
  }
  return problems;
}

interface PartPlace extends Around {
  /** Kubernetes calls the schema of all versions `validation`. */
  readonly schemaKey: "schema" | "validation";
  readonly hasStatus: boolean;
  readonly versionName: string;
  readonly withoutSchema: string;
}

type Parts = Pick<ShownVersion, "schema" | "subresources" | "additionalPrinterColumns" | "selectableFields">;

/** What a version has of its own, or what all versions have. */
function partProblems(
  parts: { readonly [Field in keyof Parts]?: Parts[Field] | undefined },
  path: string,
  place: PartPlace,
): readonly FieldError[] {
  const { schema, subresources, additionalPrinterColumns = [], selectableFields = [] } = parts;
  const root = schema?.openAPIV3Schema;
  const problems: FieldError[] = [];
  if (root !== undefined)
    problems.push(
      ...versionSchemaProblems(root, `${path}.${place.schemaKey}`, {
        hasStatus: place.hasStatus,
        oldSchemas: place.old === undefined ? [] : schemasOf(place.old.spec),
        stored: storedVersion(place)?.schema?.openAPIV3Schema,
        ruleTimes: place.ruleTimes,
      }),
    );
  problems.push(...subresourceProblems(subresources, `${path}.subresources`));
  for (const [index, column] of additionalPrinterColumns.entries())
    problems.push(...columnProblems(column, `${path}.additionalPrinterColumns[${index}]`));
  if (selectableFields.length === 0) return problems;
  const at = `${path}.selectableFields`;
  if (root === undefined) return [...problems, invalid(at, "", place.withoutSchema)];
  const stored = storedVersion(place);
  const unchanged = sameValue(stored?.selectableFields ?? [], selectableFields);
  return [...problems, ...selectableProblems(selectableFields, root, at, unchanged)];
}

const storedVersion = ({ old, versionName }: PartPlace) =>
  old?.spec.versions.find(({ name }) => name === versionName);

const deprecationBytesMax = 256;

function deprecationProblems(
  { deprecated, deprecationWarning: text }: ShownVersion,
  path: string,
): readonly FieldError[] {
  if (text === undefined) return [];
  if (deprecated !== true) return [invalid(path, text, "can only be set for deprecated versions")];
  const problems: FieldError[] = [];
  if (Buffer.byteLength(text) > deprecationBytesMax)
    problems.push(invalid(path, text, `must be <= ${deprecationBytesMax} characters long`));
  if (text === "") problems.push(invalid(path, text, "must not be an empty string"));
  const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(text);
  if (unprintable !== null) {
    const index = Buffer.byteLength(text.slice(0, unprintable.index));
    const rule = "must only contain printable UTF-8 characters";
    problems.push(invalid(path, text, `${rule}; non-printable character found at index ${index}`));
  }
  return problems;
}

/** Names as they may be, in spec and status. */
function nameProblems(names: DefinitionNames, path: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  const label = (name: string | undefined, at: string) => {
    const faults = name === undefined ? [] : dns1035Label(name);
    if (faults.length > 0) problems.push(invalid(at, name, faults.join(",")));
  };
  for (const field of ["plural", "singular"] as const) label(names[field] || undefined, `${path}.${field}`);
  for (const field of ["kind", "listKind"] as const) {
    const name = names[field];
    const faults = name ? dns1035Label(name.toLowerCase()) : [];
    if (faults.length > 0)
      problems.push(
        invalid(
          `${path}.${field}`,
          name,
          `may have mixed case, but should otherwise match: ${faults.join(",")}`,
        ),
      );
  }
  for (const [index, name] of (names.shortNames ?? []).entries()) label(name, `${path}.shortNames[${index}]`);
  if (names.kind && names.kind === names.listKind)
    problems.push(invalid(`${path}.listKind`, names.listKind, "kind and listKind may not be the same"));
  for (const [index, name] of (names.categories ?? []).entries()) label(name, `${path}.categories[${index}]`);
  return problems;
}

/** What is stored under them cannot follow. */
function changeProblems({ scope, names, group }: DefinitionSpec, old: Definition): readonly FieldError[] {
  const was = old.spec;
  return [
    ...(isEstablished(old)
      ? [
          ...immutable("spec.scope", scope, was.scope),
          ...immutable("spec.names.kind", names.kind, was.names.kind),
        ]
      : []),
    ...immutable("spec.group", group, was.group),
    ...immutable("spec.names.plural", names.plural, was.names.plural),
  ];
}

/** A version that objects were stored in stays until they are no more. */
export function storedVersionProblems({ spec, status }: Definition): readonly FieldError[] {
  const path = "status.storedVersions";
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) return [invalid(path, null, "must have at least one stored version")];
  const problems: FieldError[] = [];
  const unseen = new Map(stored.map((name, index) => [name, index]));
  // A name that stands twice is looked for twice, and found once.
  for (const { name = "", storage } of spec.versions ?? [])
    if (!unseen.delete(name) && storage)
      problems.push(invalid(path, stored, `must have the storage version ${name}`));
  for (const [name, index] of unseen)
    problems.push(
      invalid(
        `${path}[${index}]`,
        name,
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
      ),
    );
  return problems;
}

function preserveProblems(spec: DefinitionSpec, old: DefinitionSpec | undefined): readonly FieldError[] {
  if (spec.preserveUnknownFields !== true || old?.preserveUnknownFields === true) return [];
  return [
    invalid(
      "spec.preserveUnknownFields",
      true,
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
    ),
  ];
}
