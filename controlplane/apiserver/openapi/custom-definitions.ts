import type { SchemaDocs } from "../schema/load.ts";
import type { CustomSchema } from "../schemas.ts";
import {
  listMeta,
  moreInfo,
  objectMeta,
  openApiV2Schema,
  openApiV3Schema,
  withEmbedded,
} from "./custom-schema.ts";
import { type Dialect, v2 } from "./dialect.ts";
import type { ServedAs } from "./operation.ts";

/** A kind that brings its schema with it. */
export interface CustomServed extends ServedAs {
  readonly custom: CustomSchema;
}

export function customServed(served: readonly ServedAs[]): readonly CustomServed[] {
  return served.flatMap((one) => {
    const custom = one.schema?.openApi;
    return custom === undefined ? [] : [{ ...one, custom }];
  });
}

/** The definitions of a custom kind and of its list. */
export function customDefinitions(
  served: CustomServed,
  { dialect, docs }: { readonly dialect: Dialect; readonly docs: SchemaDocs },
): Record<string, object> {
  const { kind, custom } = served;
  const name = customName(served, kind.kind);
  const said = { dialect, typeMeta: typeMetaOf(docs) };
  return {
    [name]: { ...definition(custom, said), ...extensions(served, kind.kind) },
    [customName(served, custom.listKind)]: {
      ...listDefinition(served, said),
      ...extensions(served, custom.listKind),
    },
  };
}

/** `com.example.stable.v1.CronTab` of the group stable.example.com. */
export function customName({ group, version }: ServedAs, kind: string): string {
  return [...group.split(".").reverse(), version, kind].join(".");
}

interface Said {
  readonly dialect: Dialect;
  readonly typeMeta: Readonly<Record<string, object>>;
}

function definition({ schema }: CustomSchema, { dialect, typeMeta }: Said): object {
  const inV2 = dialect === v2;
  // Where properties are named, kubectl takes them for all that there are.
  if (inV2 && schema["x-kubernetes-preserve-unknown-fields"] === true) return { type: "object" };
  const { properties = {}, ...rest } = inV2 ? openApiV2Schema(schema) : openApiV3Schema(schema);
  const whole = withEmbedded({ ...rest, properties }, { dialect, inV2 });
  return {
    ...whole,
    properties: { ...whole.properties, ...typeMeta, metadata: objectMeta(dialect) },
  };
}

function listDefinition(served: CustomServed, { dialect, typeMeta }: Said): object {
  const { kind, custom } = served;
  return {
    description: `${custom.listKind} is a list of ${kind.kind}`,
    type: "object",
    required: ["items"],
    properties: {
      ...typeMeta,
      metadata: listMeta(dialect),
      items: {
        description: `List of ${kind.plural}. ${moreInfo}`,
        type: "array",
        items: dialect.refTo(customName(served, kind.kind)),
      },
    },
  };
}

function extensions({ group, version, custom }: CustomServed, kind: string): object {
  const { selectableFields } = custom;
  return {
    "x-kubernetes-group-version-kind": [{ group, version, kind }],
    ...(selectableFields.length > 0 && {
      "x-kubernetes-selectable-fields": selectableFields.map((fieldPath) => ({ fieldPath })),
    }),
  };
}

function typeMetaOf(docs: SchemaDocs): Readonly<Record<string, object>> {
  const { apiVersion, kind } = docs.V1Status ?? {};
  return {
    apiVersion: { description: apiVersion, type: "string" },
    kind: { description: kind, type: "string" },
  };
}
