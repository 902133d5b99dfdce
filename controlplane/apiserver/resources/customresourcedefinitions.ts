import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { ConversionWebhook } from "../customresources/custom-kind.ts";
import {
  cleanupFinalizer,
  type Definition,
  setCondition,
  storageVersion,
} from "../customresources/definition.ts";
import { definitionName, validateDefinition } from "../customresources/definition-validation.ts";
import { formatWarnings } from "../customresources/format-warnings.ts";
import type { JsonSchema } from "../customresources/json-schema.ts";
import { column } from "./cell-text.ts";
import { fillIn } from "./fill-in.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

/** Definitions of custom resources; what they bring is in `customresources/`. */
export const customResourceDefinitions = kindOf<Definition>({
  group: "apiextensions.k8s.io",
  version: "v1",
  hashedVersion: "v1beta1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  singular: "customresourcedefinition",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  needsVersion: true,
  storagePrefix: "apiextensions.k8s.io/customresourcedefinitions",
  subresources: { status: true },
  hasGeneration: true,
  nameRule: dns1123Subdomain,
  nameRuleOf: definitionName,
  applyDefaults(definition) {
    const { spec } = definition;
    // What must be there is empty where it is not, as in Kubernetes' types; validation says so.
    spec.group ??= "";
    spec.scope ??= "";
    spec.versions ??= [];
    fillIn(spec, "names", { plural: "", kind: "" });
    const { names } = spec;
    if (names.kind !== "") {
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: "None" };
    const { service } = (spec.conversion.webhook as ConversionWebhook | undefined)?.clientConfig ?? {};
    if (service !== undefined) (service as { port?: number }).port ??= 443;
    definition.status ??= {};
    noteStored(definition);
  },
  prepareForCreate(definition) {
    definition.status = {};
    noteStored(definition);
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    noteStored(next);
  },
  prepareForDelete(object: KubeObject, now) {
    const definition = object as unknown as Definition;
    const { metadata } = definition;
    if (!metadata.finalizers?.includes(cleanupFinalizer))
      metadata.finalizers = [...(metadata.finalizers ?? []), cleanupFinalizer];
    const message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    const condition = {
      type: "Terminating",
      status: "True",
      reason: "InstanceDeletionPending",
      message,
    } as const;
    setCondition(definition, condition, now);
  },
  validate: (definition, context, current) => validateDefinition(definition, current, context?.ruleTimes),
  noRowsAreNull: true,
  warnings: (definition, current) => formatWarnings(schemasOf(definition), current && schemasOf(current)),
  columns: [column("Created At", "date")],
  cells: ({ metadata }) => [metadata.creationTimestamp ?? ""],
});

/** Every version in which objects may be stored is named until somebody has rewritten them. */
function noteStored(definition: Definition): void {
  const stored = storageVersion(definition);
  if (stored === undefined) return;
  // One without a name is refused for that.
  const { name = "" } = stored;
  const { storedVersions = [] } = definition.status ?? {};
  if (!storedVersions.includes(name))
    definition.status = { ...definition.status, storedVersions: [...storedVersions, name] };
}

const schemasOf = ({ spec }: Definition): readonly JsonSchema[] =>
  spec.versions.flatMap(({ schema }) => schema?.openAPIV3Schema ?? []);
