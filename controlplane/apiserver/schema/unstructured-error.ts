import { checkValueText } from "./check-fields.ts";
import { goKind } from "./go-printed.ts";
import { fieldOf, type SchemaField, type SchemaType, typeOf } from "./load.ts";
import { innerTypeOf, schemaFormOf } from "./schema-forms.ts";

/** What Kubernetes says where what a strategic merge patch made does not fit the fields' types. It decodes that in another way
 *  than text, with other words. Undefined where all fits. Pure. */
export function unstructuredError(
  type: SchemaType,
  object: Readonly<Record<string, unknown>>,
): string | undefined {
  for (const [name, value] of Object.entries(object)) {
    const field = fieldOf(type, name);
    if (field === undefined || value === null || value === undefined) continue;
    const problem = fieldError(field, value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function fieldError(field: SchemaField, value: unknown): string | undefined {
  if (field.c === undefined) return valueError(field, value);
  const isList = field.c === "list";
  if (isList ? !Array.isArray(value) : !isObject(value))
    return `cannot restore ${isList ? "slice" : "map"} from ${goKind(value)}`;
  for (const element of Object.values(value as object)) {
    if (element === null) continue;
    const isLists = !isList && field.c !== "map";
    if (isLists && !Array.isArray(element)) return `cannot restore slice from ${goKind(element)}`;
    const problem = isLists ? undefined : valueError(field, element);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function valueError(field: SchemaField, value: unknown): string | undefined {
  const kind = goKind(value);
  switch (field.t) {
    case "string":
      if (kind === "string") return undefined;
      return kind === "int64" ? "cannot convert int64 to string" : "unrecognized type: string";
    case "boolean":
      return kind === "bool" ? undefined : "unrecognized type: bool";
    case "integer": {
      const wanted = field.f ?? "int64";
      if (kind === "int64") return undefined;
      return kind === "float64" ? `cannot convert float64 to ${wanted}` : `unrecognized type: ${wanted}`;
    }
    case "number":
      return typeof value === "number" ? undefined : "unrecognized type: float64";
    case "bytes": {
      if (kind !== "string") return `cannot restore slice from ${kind}`;
      const problem = checkValueText(field, value);
      return problem === undefined ? undefined : `error decoding from json: ${problem}`;
    }
    case "intOrString":
      if (kind === "string" || kind === "int64") return undefined;
      return `json: cannot unmarshal ${kind === "bool" ? kind : jsonKind(kind)} into Go value of type int32`;
    case "time":
    case "microtime":
      if (kind === "string") return checkValueText(field, value);
      return `json: cannot unmarshal ${jsonKind(kind)} into Go value of type string`;
    case "quantity":
      return checkValueText(field, value);
  }
  const type = innerTypeOf(field);
  if (type === undefined || schemaFormOf(field) !== undefined || typeOf(field.t) === undefined)
    return undefined;
  return isObject(value) ? unstructuredError(type, value) : `cannot restore struct from: ${kind}`;
}

/** The kinds that JSON has. */
function jsonKind(kind: string): string {
  const names: Readonly<Record<string, string>> = {
    slice: "array",
    map: "object",
    int64: "number",
    float64: "number",
  };
  return names[kind] ?? kind;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
