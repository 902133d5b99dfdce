import { apiVersionOf } from "../registry/kind-table.ts";
import { type Dialect, reference } from "./definitions.ts";
import type { ServedAs } from "./paths.ts";

/** The definitions of the kinds that bring their schema with them, each with its list. */
export function customDefinitions(served: readonly ServedAs[], dialect: Dialect): Record<string, object> {
  return Object.fromEntries(
    served.flatMap((one) => {
      const schema = one.schema?.openApi;
      if (schema === undefined) return [];
      const name = definitionName(one, one.kind.kind);
      return [
        [name, definition(one, schema, dialect)],
        [definitionName(one, `${one.kind.kind}List`), listDefinition(one, name, dialect)],
      ];
    }),
  );
}

/** The models that these definitions speak of. */
export const customRoots: readonly string[] = ["V1ObjectMeta", "V1ListMeta"];

/** `com.example.stable.v1.CronTab` of the group stable.example.com. */
function definitionName({ group, version }: ServedAs, kind: string): string {
  return [...group.split(".").reverse(), version, kind].join(".");
}

function definition(served: ServedAs, schema: object, dialect: Dialect): object {
  const { properties = {}, ...rest } = schema as { properties?: Readonly<Record<string, object>> };
  return {
    ...rest,
    type: "object",
    properties: { ...properties, ...typeMeta, metadata: metaOf("V1ObjectMeta", dialect) },
    "x-kubernetes-group-version-kind": [gvkOf(served, served.kind.kind)],
  };
}

function listDefinition(served: ServedAs, name: string, dialect: Dialect): object {
  const { kind } = served;
  return {
    description: `${kind.kind}List is a list of ${kind.kind}`,
    type: "object",
    required: ["items"],
    properties: {
      ...typeMeta,
      metadata: metaOf("V1ListMeta", dialect),
      items: {
        description: `List of ${kind.plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
        type: "array",
        items: { $ref: dialect.refPrefix + name },
      },
    },
    "x-kubernetes-group-version-kind": [gvkOf(served, `${kind.kind}List`)],
  };
}

const typeMeta = {
  apiVersion: { description: "The version of the schema that the object is written in.", type: "string" },
  kind: { description: "The kind of the object; it cannot be changed.", type: "string" },
};

function metaOf(model: string, dialect: Dialect): object {
  const said = { description: "Standard metadata." };
  return dialect.wrapsRefs
    ? { ...said, allOf: [reference(model, dialect)] }
    : { ...reference(model, dialect), ...said };
}

function gvkOf({ group, version }: ServedAs, kind: string): object {
  return { group, version, kind };
}

/** Changes when the schemas of a group and version do. */
export function customText(served: readonly ServedAs[]): string {
  return JSON.stringify(
    served.flatMap(({ group, version, kind, schema }) =>
      schema?.openApi === undefined ? [] : [[apiVersionOf(group, version), kind.kind, schema.openApi]],
    ),
  );
}
