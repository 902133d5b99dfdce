import { exactJsonText } from "../../../base/exact-json.ts";
import { isGranularList } from "./compare.ts";
import { elementOf, fieldOf, messageOf, type SchemaField, type SchemaType } from "./load.ts";

type Json = Readonly<Record<string, unknown>>;

/** Everything about an object that decides which fields it sets, as one text: names, which values are there, and the keys of
 *  list elements, and which values are what Go has where nothing is given; not what the others say. Objects of one shape set
 *  the same fields. Pure. */
export function fieldShape(type: SchemaType, object: Json): string {
  return messageShape(planOf(type), object);
}

/** How the value of a field tells what it sets. */
type FieldPlan =
  | { readonly kind: "whole"; readonly mark: string }
  | { readonly kind: "message"; readonly mark: string; readonly type: SchemaType }
  | { readonly kind: "map"; readonly mark: string; readonly element: FieldPlan | undefined }
  | { readonly kind: "list"; readonly mark: string; readonly field: SchemaField };

type TypePlan = Map<string, FieldPlan>;

const plans = new WeakMap<SchemaType, TypePlan>();

function planOf(type: SchemaType): TypePlan {
  let plan = plans.get(type);
  if (plan === undefined) {
    plan = new Map();
    for (const name of Object.keys(type.fields)) {
      const field = fieldOf(type, name);
      if (field !== undefined) plan.set(name, fieldPlan(field, `${textShape(name)}:`));
    }
    plans.set(type, plan);
  }
  return plan;
}

function fieldPlan(field: SchemaField, mark: string): FieldPlan {
  if (isGranularList(field)) return { kind: "list", mark, field };
  if (field.atomic === 1) return { kind: "whole", mark };
  if (field.c === "map") return { kind: "map", mark, element: fieldPlan(elementOf(field), "") };
  const type = field.c === undefined ? messageOf(field) : undefined;
  const isGranular = type !== undefined && (type.atomic !== 1 || field.granular === 1);
  return isGranular ? { kind: "message", mark, type } : { kind: "whole", mark };
}

function messageShape(plan: TypePlan, object: Json): string {
  let shape = "{";
  for (const name in object) {
    const field = plan.get(name);
    shape += field === undefined ? `${textShape(name)}?` : field.mark;
    shape += valueShape(field, object[name]);
  }
  return `${shape}}`;
}

/** @param field Absent: no schema tells of it; it is a map as far as it looks like one. */
function valueShape(field: FieldPlan | undefined, value: unknown): string {
  if (value === undefined) return "u";
  if (value === null) return "n";
  if (field === undefined) return isObject(value) ? mapShape(undefined, value) : wholeShape(value);
  switch (field.kind) {
    case "whole":
      return wholeShape(value);
    case "message":
      return isObject(value) ? messageShape(planOf(field.type), value) : "y";
    case "map":
      return isObject(value) ? mapShape(field.element, value) : "y";
    case "list":
      return Array.isArray(value) ? listShape(field.field, value) : "y";
  }
}

/** Zeros are told from all other values: what is always there is the same before and after where it is one. */
function wholeShape(value: unknown): string {
  if (typeof value !== "object" || value === null)
    return value === "" || value === 0 || value === false || value === "0" ? `z${value};` : "x";
  if (Array.isArray(value)) return value.length === 0 ? "e" : "x";
  let isBare = true;
  for (const key in value) {
    isBare = false;
    if (!saysNothing((value as Json)[key])) return "x";
  }
  return isBare ? "z" : "w";
}

const saysNothing = (value: unknown) =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0);

function mapShape(element: FieldPlan | undefined, map: Json): string {
  let shape = "{";
  for (const key in map) shape += textShape(key) + valueShape(element, map[key]);
  return `${shape}}`;
}

function listShape(field: SchemaField, list: readonly unknown[]): string {
  const type = messageOf(field);
  let shape = "[";
  for (const element of list) {
    if (field.set === 1) shape += scalarShape(element);
    else if (!isObject(element)) shape += "y";
    else {
      for (const key of field.keys ?? []) shape += scalarShape(element[key]);
      if (type !== undefined) shape += messageShape(planOf(type), element);
    }
  }
  return `${shape}]`;
}

/** A key says what it is. */
function scalarShape(value: unknown): string {
  if (typeof value === "string") return textShape(value);
  return value === undefined ? "u" : `=${exactJsonText(value)};`;
}

/** With its length, so that no text looks like two, or like what comes between. */
const textShape = (text: string) => `${text.length} ${text}`;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
