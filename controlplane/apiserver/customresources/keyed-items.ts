import { exactJsonText } from "../../../base/exact-json.ts";
import { isObject } from "../json.ts";
import type { JsonSchema } from "./json-schema.ts";

/** The items of a stored list by what tells them apart; undefined where nothing does. Only lists that are maps say what does
 *  (k8s.io/apiserver's pkg/cel/common MapList). */
export interface KeyedItems {
  get(item: unknown): unknown;
}

export function keyedItems(schema: JsonSchema, list: unknown): KeyedItems | undefined {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (!Array.isArray(list) || schema["x-kubernetes-list-type"] !== "map" || keys.length === 0)
    return undefined;
  const byKey = new Map<string, unknown>();
  for (const item of list) {
    const key = keyOf(item, keys, schema);
    if (key !== undefined && !byKey.has(key)) byKey.set(key, item);
  }
  return {
    get: (item) => {
      const key = keyOf(item, keys, schema);
      return key === undefined ? undefined : byKey.get(key);
    },
  };
}

function keyOf(item: unknown, keys: readonly string[], { items }: JsonSchema): string | undefined {
  if (!isObject(item)) return undefined;
  return exactJsonText(keys.map((key) => item[key] ?? items?.properties?.[key]?.default ?? null));
}
