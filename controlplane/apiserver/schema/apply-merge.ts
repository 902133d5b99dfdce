import { ownField, setOwnField } from "../../../base/own-field.ts";
import { isGranularList, isGranularMap } from "./compare.ts";
import { indexOfElement, listElement } from "./field-set.ts";
import { fieldOf, messageOf, type SchemaField, type SchemaType } from "./load.ts";

type Json = Record<string, unknown>;

/** `patch` laid over `current`: messages and maps field by field, lists by their keys or values where the schema says so,
 *  everything else as a whole. Mutates and returns `current`. */
export function mergeApplied(type: SchemaType, current: Json, patch: Json): Json {
  for (const [name, value] of Object.entries(patch)) {
    const field = fieldOf(type, name);
    const before = ownField(current, name);
    setOwnField(current, name, field === undefined ? value : mergeField(field, before, value));
  }
  return current;
}

function mergeField(field: SchemaField, current: unknown, patch: unknown): unknown {
  if (patch === null) return keepsBeside(field, current) ? current : null;
  if (field.atomic === 1 || current === undefined || current === null) return patch;
  if (field.c === "list")
    return isGranularList(field) && Array.isArray(patch) && Array.isArray(current)
      ? mergeList(field, current, patch)
      : patch;
  if (!isObject(patch) || !isObject(current)) return patch;
  const type = messageOf(field);
  if (field.c === undefined)
    return type === undefined || (type.atomic === 1 && field.granular !== 1)
      ? patch
      : mergeApplied(type, current, patch);
  for (const [key, value] of Object.entries(patch)) {
    const before = ownField(current, key);
    const merges = type !== undefined && type.atomic !== 1 && isObject(value) && isObject(before);
    setOwnField(current, key, merges ? mergeApplied(type, before, value) : value);
  }
  return current;
}

/** Of what others have part in a null takes nothing away. */
function keepsBeside(field: SchemaField, current: unknown): boolean {
  if (Array.isArray(current)) return current.length > 0 && isGranularList(field);
  return isObject(current) && Object.keys(current).length > 0 && isGranularMap(field, [current]);
}

/** The elements given, in their order, and between them those of others where they stood. */
function mergeList(field: SchemaField, current: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const names = patch.map((element) => listElement(field, element));
  if (names.includes(undefined)) return [...patch];
  const type = messageOf(field);
  const merged = patch.map((element, index) => {
    const before = current[indexOfElement(current, names[index] ?? "")];
    return type !== undefined && isObject(before) && isObject(element)
      ? mergeApplied(type, before, element)
      : element;
  });
  const out: unknown[] = [...merged];
  let at = 0;
  for (const element of current) {
    const given = names.indexOf(listElement(field, element));
    if (given >= 0) at = out.indexOf(merged[given]) + 1;
    else out.splice(at++, 0, element);
  }
  return out;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
