import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { invalid } from "../api-error.ts";
import { type JsonObject, toKubeObject } from "../json.ts";
import type { Kind, OtherForm, SlowConversion, TableColumns } from "../registry/kind.ts";
import { apiVersionOf } from "../registry/kind-table.ts";
import { byPriority } from "../registry/version-priority.ts";
import { wholeMetadata } from "../resources/status.ts";
import { checkMetadataFields, dropUnknownMetadata } from "../schema/check-fields.ts";
import { customType } from "../schema/custom-type.ts";
import { normalizeMetadata } from "../schema/normalize.ts";
import type { CustomSchema, ObjectSchema } from "../schemas.ts";
import type { ConvertObjects } from "../webhooks/convert-objects.ts";
import type { hookAddress } from "../webhooks/hooks.ts";
import { tableColumns } from "./columns.ts";
import { applySchemaDefaults, dropNulls } from "./defaults.ts";
import { type Definition, type DefinitionVersion, storageVersion } from "./definition.ts";
import { embeddedResources, malformedMeta } from "./embedded-objects.ts";
import type { JsonSchema } from "./json-schema.ts";
import { objectProblems } from "./object-problems.ts";
import { prune } from "./prune.ts";
import type { RuleTimes } from "./rule-times.ts";
import { fieldsOf, metaLabels, storedTexts, textsOf, versionLabels } from "./selectable-fields.ts";
import { doorRules, judgeRules, subresourcesOf } from "./version-rules.ts";

export interface CustomKindOptions {
  /** How objects are converted where the definition names a webhook. */
  readonly converter?: ConverterOf;
  readonly ruleTimes?: RuleTimes | undefined;
}

/** The kind that an established definition brings. Undefined where it serves nothing. */
export function customKind(
  definition: Definition,
  { converter, ruleTimes }: CustomKindOptions = {},
): Kind | undefined {
  const { spec, status } = definition;
  const { group } = spec;
  const names = status?.acceptedNames;
  const stored = storageVersion(definition);
  const others = spec.versions.filter((version) => version.served && version !== stored);
  if (names === undefined || stored === undefined) return undefined;
  if (!stored.served && others.length === 0) return undefined;
  const namespaced = spec.scope === "Namespaced";
  const apiVersion = apiVersionOf(group, stored.name);
  const schema = schemaOf(stored);
  const convert = converterOf(definition, converter);
  const told = (version: DefinitionVersion) => customSchema(version, names.listKind ?? `${names.kind}List`);
  const versionOf = ({ apiVersion: own }: KubeObject) =>
    convert && spec.versions.find(({ name }) => own === apiVersionOf(group, name));
  const ownRules = judgeRules({ ...stored, schema, namespaced, shown: (object) => object });
  const forms = others.map((version) => {
    const form = otherForm(version, { definition, stored, told: told(version) });
    const rules = judgeRules({ ...version, schema: schemaOf(version), namespaced, shown: form.toServed });
    return {
      ...form,
      // Where others convert, what comes is judged before that, and then by the stored version.
      rules: { ...doorRules(version), ...(convert === undefined ? rules : ownRules) },
      subresources: subresourcesOf(version),
      fieldLabels: { ...metaLabels(namespaced), ...versionLabels(version) },
    };
  });
  const kind: Kind = {
    ...(convert && { slowForm: (name) => slowForm(definition, { name, stored, convert, ruleTimes }) }),
    group,
    version: stored.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced,
    needsVersion: true,
    storagePrefix: `${group}/${names.plural}`,
    subresources: subresourcesOf(stored),
    hasGeneration: true,
    alsoCounted: ({ metadata: _, ...rest }) => rest,
    schema: objectSchema(schema, told(stored)),
    ...deprecationOf(stored, definition),
    ...(!stored.served && { hidesOwnForm: true }),
    otherForms: forms,
    applyDefaults(object) {
      // Stored in another version, maybe, before the definition changed.
      const other = versionOf(object);
      if (other === undefined) object.apiVersion = apiVersion;
      const own = other === undefined ? schema : schemaOf(other);
      dropNulls(object, own);
      applySchemaDefaults(object, own);
    },
    ...doorRules(stored),
    ...ownRules,
    statusKeeps: wholeMetadata,
    fieldLabels: { ...metaLabels(namespaced), ...versionLabels(stored) },
    // Where others convert, what each version says is known once they were asked.
    ...(convert === undefined && {
      selectableFields: (object) =>
        Object.fromEntries(
          [stored, ...others].flatMap((version) => storedTexts(object, version, schemaOf(version))),
        ),
    }),
    ...tableColumns(stored.additionalPrinterColumns),
  };
  return kind;
}

const anyObject: JsonSchema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

export function schemaOf({ schema }: DefinitionVersion): JsonSchema {
  return schema?.openAPIV3Schema ?? anyObject;
}

/** Strategic merge has no meaning here: Kubernetes refuses it for custom resources. */
function objectSchema(schema: JsonSchema, openApi?: CustomSchema): ObjectSchema {
  const settled = (object: JsonObject): readonly string[] => {
    for (const one of [object, ...embeddedResources(object, schema)]) {
      dropUnknownMetadata(one);
      normalizeMetadata(one);
    }
    return prune(object, schema);
  };
  return {
    ...(openApi && { openApi }),
    type: customType(schema),
    accept(object) {
      const found = checkMetadataFields(object);
      const malformed = malformedMeta(object, schema, "");
      const typeErrors =
        malformed === undefined
          ? found.typeErrors
          : [...found.typeErrors, `${malformed.field}: ${malformed.message}`];
      if (typeErrors.length > 0) return { ...found, typeErrors };
      const unknown = [...settled(object)].sort().map((path) => `unknown field ${JSON.stringify(path)}`);
      return { ...found, unknown: [...found.unknown, ...unknown], byPath: true };
    },
    normalize: settled,
  };
}

/** What OpenAPI's documents tell of a version. */
function customSchema(version: DefinitionVersion, listKind: string): CustomSchema {
  const { subresources } = version;
  return {
    schema: schemaOf(version),
    listKind,
    selectableFields: fieldsOf(version),
    hasStatus: subresources?.status !== undefined,
    hasScale: subresources?.scale !== undefined,
  };
}

interface FormOf {
  readonly definition: Definition;
  readonly stored: DefinitionVersion;
  readonly told: CustomSchema;
}

/** The conversion `None`: only apiVersion differs. What a client sends is judged by the version in which it sends it. */
function otherForm(version: DefinitionVersion, { definition, stored, told }: FormOf): OtherForm {
  const { group } = definition.spec;
  const schema = schemaOf(version);
  const view: TableColumns = tableColumns(version.additionalPrinterColumns);
  return {
    group,
    version: version.name,
    ...deprecationOf(version, definition),
    schema: objectSchema(schema, told),
    view,
    toServed(object) {
      const served: JsonObject = { ...cloneJson(object), apiVersion: apiVersionOf(group, version.name) };
      dropNulls(served, schema);
      applySchemaDefaults(served, schema);
      return served;
    },
    fromServed(object) {
      applySchemaDefaults(object, schema);
      return { ...toKubeObject(object), apiVersion: apiVersionOf(group, stored.name) };
    },
  };
}

/** How objects are converted by whom a definition names. */
export type ConverterOf = (webhook: ConversionWebhook) => ConvertObjects;

export interface ConversionWebhook {
  readonly clientConfig?: Parameters<typeof hookAddress>[0];
  readonly conversionReviewVersions?: readonly string[];
}

function converterOf({ spec }: Definition, converter: ConverterOf | undefined): ConvertObjects | undefined {
  if (spec.conversion?.strategy !== "Webhook" || converter === undefined) return undefined;
  return converter((spec.conversion.webhook ?? {}) as ConversionWebhook);
}

/** What a version shows comes from a webhook, and so is pruned and filled in by the version's schema. */
function slowForm(
  { spec }: Definition,
  version: {
    readonly name: string;
    readonly stored: DefinitionVersion;
    readonly convert: ConvertObjects;
    readonly ruleTimes: RuleTimes | undefined;
  },
): SlowConversion {
  const { name, stored, convert, ruleTimes } = version;
  const { group, names } = spec;
  const served = spec.versions.find((one) => one.name === name) ?? stored;
  const settle = (object: JsonObject, of: DefinitionVersion): JsonObject => {
    const own: JsonObject = { ...cloneJson(object) };
    objectSchema(schemaOf(of)).normalize(own);
    dropNulls(own, schemaOf(of));
    applySchemaDefaults(own, schemaOf(of));
    return own;
  };
  return {
    fieldTexts: (shown) => {
      const texts = textsOf(shown, served);
      return Object.fromEntries(
        Object.entries(versionLabels(served)).map(([field, name]) => [name, texts[field] ?? ""]),
      );
    },
    async toServed(objects) {
      const plain: readonly JsonObject[] = objects.map((object) => ({ ...object }));
      const made = await convert(plain, apiVersionOf(group, name));
      return made.map((one) => settle(one, served));
    },
    async fromServed(object) {
      const own = settle(object, served);
      const typed = toKubeObject(own);
      if (name !== stored.name) {
        const problems = objectProblems(typed, schemaOf(served), undefined, { ruleTimes });
        if (problems.length > 0) throw invalid({ group, kind: names.kind }, typed.metadata.name, problems);
      }
      const [made = own] = await convert([own], apiVersionOf(group, stored.name));
      return settle(made, stored);
    },
  };
}

function deprecationOf(
  { name, deprecated, deprecationWarning }: DefinitionVersion,
  { spec }: Definition,
): { readonly deprecation?: string } {
  if (deprecated !== true) return {};
  if (deprecationWarning !== undefined) return { deprecation: deprecationWarning };
  const called = (version: string) => `${apiVersionOf(spec.group, version)} ${spec.names.kind}`;
  const [better] = spec.versions
    .filter((one) => one.served && one.deprecated !== true && byPriority(one.name, name) < 0)
    .map((one) => one.name)
    .sort(byPriority);
  const instead = better === undefined ? "" : `; use ${called(better)}`;
  return { deprecation: `${called(name)} is deprecated${instead}` };
}
