import { isGranularList } from "./compare.ts";
import { listElement, type Path, pathText } from "./field-set.ts";
import { declares, elementOf, fieldOf, messageOf, type SchemaField, type SchemaType } from "./load.ts";

/** Why an object cannot be applied: fields that its schema does not have, values of another type, list elements that
 *  cannot be told apart. Worded as structured-merge-diff does; empty where nothing is wrong. Pure. */
export function typedErrors(type: SchemaType, object: Readonly<Record<string, unknown>>): string {
  const errors: string[] = [];
  checkFields(type, object, [], errors);
  if (errors.length <= 1) return errors[0] ?? "";
  return `errors:\n${errors.map((one) => `  ${one}`).join("\n")}`;
}

type Json = Readonly<Record<string, unknown>>;

function checkFields(type: SchemaType, object: Json, path: Path, errors: string[]): void {
  for (const [name, value] of Object.entries(object)) {
    const at = [...path, `f:${name}`];
    const field = fieldOf(type, name);
    if (field === undefined) {
      if (!declares(type, name)) errors.push(`${pathText(at)}: field not declared in schema`);
    } else checkPart(field, value, at, errors);
  }
}

function checkPart(field: SchemaField, value: unknown, path: Path, errors: string[]): void {
  if (value === null || value === undefined || field.t === "any") return;
  if (field.c === "list") checkList(field, value, path, errors);
  else if (field.c !== undefined) {
    if (!isObject(value)) errors.push(`${pathText(path)}: expected map, got ${shown(value)}`);
    else if (field.c === "map")
      for (const [key, one] of Object.entries(value))
        checkPart(elementOf(field), one, [...path, `f:${key}`], errors);
  } else checkValue(field, value, path, errors);
}

function checkList(field: SchemaField, value: unknown, path: Path, errors: string[]): void {
  if (!Array.isArray(value)) {
    errors.push(`${pathText(path)}: expected list, got ${shown(value)}`);
    return;
  }
  const seen = new Set<string>();
  for (const [index, element] of value.entries()) {
    const nameless = isGranularList(field) ? namelessness(field, element) : undefined;
    if (nameless !== undefined) {
      errors.push(`${pathText(path)}: element ${index}: ${nameless}`);
      continue;
    }
    const name = isGranularList(field) ? listElement(field, element) : undefined;
    if (name !== undefined && seen.has(name))
      errors.push(`${pathText(path)}: duplicate entries for key ${pathText([name])}`);
    if (name !== undefined) seen.add(name);
    checkPart(
      elementOf(field),
      element,
      name === undefined ? [...path, `i:${index}`] : [...path, name],
      errors,
    );
  }
}

/** Why an element of a list that is a map by keys cannot be told from the others; undefined where it can. */
function namelessness(field: SchemaField, element: unknown): string | undefined {
  if (field.keys === undefined)
    return element === null
      ? "associative list without keys has an element that's an explicit null"
      : undefined;
  if (element === null) return "associative list with keys may not have a null element";
  if (!isObject(element)) return "associative list with keys may not have non-map elements";
  if (listElement(field, element) !== "k:{}") return undefined;
  const keys = field.keys.map((key) => JSON.stringify(key)).join(" ");
  return `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
}

function checkValue(field: SchemaField, value: unknown, path: Path, errors: string[]): void {
  const type = messageOf(field);
  if (type !== undefined) {
    if (!isObject(value)) errors.push(`${pathText(path)}: expected map, got ${shown(value)}`);
    else checkFields(type, value, path, errors);
    return;
  }
  const wanted = wantedScalar(field.t, value);
  if (wanted !== undefined)
    errors.push(`${pathText(path)}: expected ${wanted}, got ${gotInstead(wanted, value)}`);
}

/** Each of the checks prints what it got in a way of its own. */
function gotInstead(wanted: string, value: unknown): string {
  if (wanted === "string") return `&value.valueUnstructured{Value:${goSyntax(value)}}`;
  return wanted === "boolean" ? shown(value) : goKind(value);
}

/** As a Go program would write the value. */
function goSyntax(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(", ")}}`;
  if (!isObject(value))
    return typeof value === "string" ? JSON.stringify(value) : String(value ?? "interface {}(nil)");
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${pairs.map(([key, one]) => `${JSON.stringify(key)}:${goSyntax(one)}`).join(", ")}}`;
}

/** What should stand there; undefined where it does. */
function wantedScalar(type: string, value: unknown): string | undefined {
  switch (type) {
    case "string":
    case "bytes":
    case "time":
    case "microtime":
      return typeof value === "string" ? undefined : "string";
    case "integer":
    case "number":
      return typeof value === "number" || typeof value === "bigint" ? undefined : "numeric (int or float)";
    case "boolean":
      return typeof value === "boolean" ? undefined : "boolean";
    default:
      return undefined;
  }
}

function goType(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (typeof value === "bigint") return "int64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : shown(value);
}

/** As Go prints a value it did not expect. */
function shown(value: unknown): string {
  return `&{${goValue(value)}}`;
}

/** The type of a value as Go's decoders of untyped JSON make it. */
export function goKind(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (isObject(value)) return "map[string]interface {}";
  return goType(value);
}

export function goValue(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goValue).join(" ")}]`;
  if (!isObject(value)) return String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, one]) => `${key}:${goValue(one)}`).join(" ")}]`;
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
