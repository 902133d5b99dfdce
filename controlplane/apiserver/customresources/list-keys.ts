import { exactJsonText } from "../../../base/exact-json.ts";
import { isObject } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid } from "../resources/field-errors.ts";
import { additionalOf, type JsonSchema, propertyOf } from "./json-schema.ts";

/** What stands twice in lists that the schema says are sets, or maps by keys. Pure. */
export function duplicateItems(value: unknown, schema: JsonSchema, path = ""): readonly FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const inside =
      items === undefined
        ? []
        : value.flatMap((item, index) => duplicateItems(item, items, `${path}[${index}]`));
    return [...ownDuplicates(value, schema, path), ...inside];
  }
  if (!isObject(value)) return [];
  const additional = additionalOf(schema);
  return Object.entries(value).flatMap(([name, one]) => {
    const property = propertyOf(schema, name);
    if (property !== undefined) return duplicateItems(one, property, path === "" ? name : `${path}.${name}`);
    return additional === undefined ? [] : duplicateItems(one, additional, `${path}[${name}]`);
  });
}

function ownDuplicates(list: readonly unknown[], schema: JsonSchema, path: string): readonly FieldError[] {
  const type = schema["x-kubernetes-list-type"];
  if (type === "set") return repeated(list).map((at) => duplicate(`${path}[${at}]`, list[at]));
  if (type !== "map") return [];
  const foreign = list.findIndex((item) => item !== null && !isObject(item));
  if (foreign >= 0)
    return [invalid(`${path}[${foreign}]`, list[foreign], "must be an object for an array of list-type map")];
  const names = schema["x-kubernetes-list-map-keys"] ?? [];
  const keys = list.map((item) => {
    const object = isObject(item) ? item : {};
    return Object.fromEntries(
      names.filter((name) => Object.hasOwn(object, name)).map((name) => [name, object[name]]),
    );
  });
  return repeated(keys).map((at) => duplicate(`${path}[${at}]`, keys[at]));
}

/** Where each value stands for the second time. */
function repeated(list: readonly unknown[]): readonly number[] {
  const times = new Map<string, number>();
  return [...list.keys()].filter((at) => {
    const text = sortedText(list[at]);
    const count = (times.get(text) ?? 0) + 1;
    times.set(text, count);
    return count === 2;
  });
}

function sortedText(value: unknown): string {
  return exactJsonText(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]));
}
