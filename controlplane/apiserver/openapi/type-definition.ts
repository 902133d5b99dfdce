import { type SchemaDocs, type SchemaField, type SchemaType, typeOf } from "../schema/load.ts";
import { definitionName } from "./definition-names.ts";
import type { Dialect, Reference } from "./dialect.ts";
import { fieldsName, specialNames } from "./special-definitions.ts";

export interface TypeContext {
  readonly dialect: Dialect;
  readonly docs: SchemaDocs;
  /** What `x-kubernetes-group-version-kind` says of it; empty: nothing. */
  readonly gvks: readonly object[];
}

/** The definition of a message: its fields, what they mean, and how they merge. */
export function typeDefinition(
  model: string,
  type: SchemaType,
  { dialect, docs, gvks }: TypeContext,
): object {
  const texts = docs[model] ?? {};
  const properties: Record<string, object> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(type.fields)) {
    properties[name] = property(field, {
      name,
      isOfList: name === "items" && type.fields.metadata?.t === "V1ListMeta",
      description: texts[name] ?? "",
      dialect,
    });
    if (field.r === 1) required.push(name);
  }
  return {
    ...(texts[""] ? { description: texts[""] } : {}),
    ...(required.length > 0 && { required }),
    type: "object",
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(type.atomic === 1 && { "x-kubernetes-map-type": "atomic" }),
    ...(type.unions !== undefined && { "x-kubernetes-unions": type.unions }),
    ...(gvks.length > 0 && { "x-kubernetes-group-version-kind": gvks }),
  };
}

/** The names of the definitions that a message refers to. */
export function referred(type: SchemaType): readonly string[] {
  return Object.entries(type.fields).flatMap(([name, field]) => {
    const named = definitionOf(name, field);
    return named === undefined ? [] : [named];
  });
}

function definitionOf(name: string, field: SchemaField): string | undefined {
  if (name === "fieldsV1") return fieldsName;
  return specialNames[field.t] ?? (typeOf(field.t) && definitionName(field.t));
}

interface PropertyContext {
  readonly name: string;
  /** The items of a list of objects, which nobody merges: they have no list type. */
  readonly isOfList: boolean;
  readonly description: string;
  readonly dialect: Dialect;
}

function property(field: SchemaField, { name, isOfList, description, dialect }: PropertyContext): object {
  const text = description + possibleValues(field);
  const said = { ...(text !== "" && { description: text }), ...(!isOfList && extensions(field)) };
  const named = definitionOf(name, field);
  const one = { ...said, ...fallback(field, dialect) };
  switch (field.c) {
    case "list":
      return { ...said, type: "array", items: oneOfMany(name, field, dialect) };
    case "map":
      return { ...said, type: "object", additionalProperties: oneOfMany(name, field, dialect) };
    case "mapOfLists":
      return {
        ...said,
        type: "object",
        additionalProperties: { type: "array", items: oneOfMany(name, field, dialect) },
      };
    default:
      if (named === undefined) return { ...one, ...scalar(field) };
      return { ...one, ...beside(dialect.refTo(named), one, dialect) };
  }
}

/** The reference with what stands beside it; where nothing does, it stands as it is. */
function beside(reference: Reference, others: object, dialect: Dialect): object {
  return Object.keys(others).length === 0 ? reference : dialect.beside(reference);
}

/** An element of a list or map: it is never absent, so that its default is the type's zero. */
function oneOfMany(name: string, field: SchemaField, dialect: Dialect): object {
  const named = definitionOf(name, field);
  if (named === undefined) {
    const zero = zeros[field.t];
    return { ...scalar(field), ...(zero !== undefined && dialect.defaultOf(zero)) };
  }
  const reference = dialect.refTo(named);
  return typeOf(field.t) === undefined
    ? reference
    : { ...dialect.defaultOf({}), ...dialect.beside(reference) };
}

const zeros: Readonly<Record<string, unknown>> = { string: "", boolean: false, integer: 0, number: 0 };

function fallback(field: SchemaField, dialect: Dialect): object {
  if (field.d === 1) return dialect.defaultOf({});
  if (field.v !== undefined) return field.v === null ? {} : dialect.defaultOf(field.v);
  const zero = zeros[field.t];
  return field.r === 1 && zero !== undefined ? dialect.defaultOf(zero) : {};
}

function scalar(field: SchemaField): object {
  const values = field.e === undefined ? {} : { enum: field.e };
  switch (field.t) {
    case "bytes":
      return { type: "string", format: "byte" };
    case "integer":
      return { type: "integer", format: field.f ?? "int64" };
    case "number":
      return { type: "number", format: "double" };
    case "boolean":
      return { type: "boolean" };
    default:
      return { type: "string", ...values };
  }
}

function possibleValues({ e }: SchemaField): string {
  return e === undefined
    ? ""
    : `\n\nPossible enum values:${e.map((value) => `\n - \`${JSON.stringify(value)}\``).join("")}`;
}

function extensions(field: SchemaField): object {
  const strategies = [
    ...(field.merge === undefined ? [] : ["merge"]),
    ...(field.retainKeys === 1 ? ["retainKeys"] : []),
    ...(field.replace === 1 ? ["replace"] : []),
  ];
  const listType = field.keys !== undefined ? "map" : field.set === 1 ? "set" : "atomic";
  const isList = (field.c === "list" && field.plain !== 1) || (field.t === "bytes" && field.atomic === 1);
  return {
    ...(isList && { "x-kubernetes-list-type": listType }),
    ...(field.keys !== undefined && { "x-kubernetes-list-map-keys": field.keys }),
    ...(!isList && field.atomic === 1 && { "x-kubernetes-map-type": "atomic" }),
    ...(field.granular === 1 && { "x-kubernetes-map-type": "granular" }),
    ...(field.merge && { "x-kubernetes-patch-merge-key": field.merge }),
    ...(strategies.length > 0 && { "x-kubernetes-patch-strategy": strategies.join(",") }),
  };
}
