import type { SchemaNode } from "./schema.ts";
import { writingPlace } from "./yaml-place.ts";

/** What may be written at a place. */
export interface Suggestion {
  readonly label: string;
  /** What is put there for it. */
  readonly apply: string;
  readonly detail: string;
  readonly description: string;
  readonly isRequired: boolean;
}
export interface Suggestions {
  /** Where the word begins that they take the place of. */
  readonly from: number;
  readonly options: readonly Suggestion[];
}

/** Names of fields, or values where the schema lists them. Undefined where it has nothing to say. Pure. */
export function suggestionsAt(text: string, offset: number, schema: SchemaNode): Suggestions | undefined {
  const place = writingPlace(text, offset);
  if (place === undefined) return undefined;
  const node = schema.at(place.path);
  if (node === undefined) return undefined;
  const options = place.is === "name" ? namesIn(node, place.siblings, place.column) : valuesOf(node);
  return options.length === 0 ? undefined : { from: place.from, options };
}

function namesIn(node: SchemaNode, siblings: readonly string[], column: number): readonly Suggestion[] {
  // Where a list stands, its items' fields are named behind a dash.
  const [object, dash] = node.typeText === "array" ? [node.item(), "- "] : [node, ""];
  return object.fields
    .filter(({ name }) => dash !== "" || !siblings.includes(name))
    .map(({ name, node: field, isRequired }) => ({
      label: name,
      apply: `${dash}${name}:${openingOf(field, column + dash.length)}`,
      detail: [field.typeText, isRequired ? "required" : ""].filter(Boolean).join(", "),
      description: field.schema.description ?? "",
      isRequired,
    }));
}

function openingOf(field: SchemaNode, column: number): string {
  const below = `\n${" ".repeat(column)}`;
  if (field.typeText === "array") return `${below}- `;
  return field.typeText === "object" ? `${below}  ` : " ";
}

function valuesOf({ schema, typeText }: SchemaNode): readonly Suggestion[] {
  const values = schema.enum ?? (typeText === "boolean" ? [true, false] : []);
  return values.map((value) => ({
    label: String(value),
    apply: value === "" ? '""' : String(value),
    detail: value === schema.default ? "default" : "",
    description: schema.description ?? "",
    isRequired: false,
  }));
}

const skeletonDepthMost = 8;

/** An object with the fields that must be there, to begin with. Pure. */
export function skeletonOf(
  {
    apiVersion,
    kind,
    namespace,
  }: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string },
  schema: SchemaNode | undefined,
): Readonly<Record<string, unknown>> {
  const spec = schema?.field("spec");
  return {
    apiVersion,
    kind,
    metadata: { name: "", ...(namespace && { namespace }) },
    ...(schema?.schema.properties?.spec && spec && { spec: valueFor(spec, 0) }),
  };
}

function valueFor(node: SchemaNode, depth: number): unknown {
  const { schema, typeText } = node;
  const isPlain =
    schema.default !== undefined && (typeof schema.default !== "object" || schema.default === null);
  if (isPlain) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0];
  if (typeText === "array") return depth < skeletonDepthMost ? [valueFor(node.item(), depth + 1)] : [];
  if (typeText === "object" || typeText === "") {
    const fields = depth < skeletonDepthMost ? node.fields.filter(({ isRequired }) => isRequired) : [];
    return Object.fromEntries(fields.map(({ name, node: field }) => [name, valueFor(field, depth + 1)]));
  }
  if (typeText.startsWith("integer") || typeText === "number") return 0;
  return typeText === "boolean" ? false : "";
}
