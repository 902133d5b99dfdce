import { configKey, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ConfigMap } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { forbidden, invalid } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

const contentBytesMax = 1024 * 1024;

export const configMaps = kindOf<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  singular: "configmap",
  shortNames: ["cm"],
  categories: [],
  namespaced: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults: () => undefined,
  validate(map, _facts, current) {
    const { data = {}, binaryData = {} } = map;
    // Kubernetes looks at what may not change first.
    const problems = [...(current === undefined ? [] : changesOf(map, current))];
    problems.push(...validateKeys(Object.keys(data), "data"));
    for (const key of Object.keys(binaryData)) {
      if (Object.hasOwn(data, key))
        problems.push(invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
    }
    problems.push(...validateKeys(Object.keys(binaryData), "binaryData"));
    const sizes = [
      ...Object.values(data).map((value) => Buffer.byteLength(value)),
      ...Object.values(binaryData).map((value) => Buffer.byteLength(value, "base64")),
    ];
    if (sizes.reduce((sum, size) => sum + size, 0) > contentBytesMax)
      problems.push({
        reason: "FieldValueTooLong",
        field: "[]",
        message: `Too long: may not be more than ${contentBytesMax} bytes`,
      });
    return problems;
  },
  columns: [column("Data"), ageColumn],
  cells: ({ data = {}, binaryData = {}, metadata }, nowMs) => [
    Object.keys(data).length + Object.keys(binaryData).length,
    age(metadata.creationTimestamp, nowMs),
  ],
});

export function validateKeys(keys: readonly string[], field: string): FieldError[] {
  return keys.flatMap((key) => configKey(key).map((text) => invalid(`${field}[${key}]`, key, text)));
}

const immutableText = "field is immutable when `immutable` is set";

export function keepsImmutable(next: boolean | undefined): readonly FieldError[] {
  return next === true ? [] : [forbidden("immutable", immutableText)];
}

export function keepsContent(field: string, next: unknown, current: unknown): readonly FieldError[] {
  return sameValue(next ?? {}, current ?? {}) ? [] : [forbidden(field, immutableText)];
}

function changesOf(next: ConfigMap, current: ConfigMap): readonly FieldError[] {
  if (current.immutable !== true) return [];
  return [
    ...keepsImmutable(next.immutable),
    ...keepsContent("data", next.data, current.data),
    ...keepsContent("binaryData", next.binaryData, current.binaryData),
  ];
}
