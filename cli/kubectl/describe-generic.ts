import type { KubeObject } from "../../client/types.ts";
import { field, type Line, pairs } from "./page.ts";
import { timeText } from "./time-text.ts";

/** Any object: its metadata by name, everything else as it is nested. */
export function genericPage(object: KubeObject): readonly Line[] {
  const { apiVersion, kind, metadata, ...rest } = object;
  return [
    field("Name", metadata.name),
    ...(metadata.namespace ? [field("Namespace", metadata.namespace)] : []),
    field("Labels", ...pairs(metadata.labels)),
    field("Annotations", ...pairs(metadata.annotations, ": ")),
    field("API Version", apiVersion),
    field("Kind", kind),
    field("CreationTimestamp", timeText(metadata.creationTimestamp)),
    ...Object.entries(kind === "Secret" ? hidden(rest) : rest).flatMap(([name, value]) =>
      nested(title(name), value),
    ),
  ];
}

/** Secrets show only how long they are. */
function hidden(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const data = Object.entries((fields.data ?? {}) as Record<string, string>).map(([name, base64]) => [
    name,
    `${Buffer.from(base64, "base64").length} bytes`,
  ]);
  return { ...fields, data: Object.fromEntries(data) };
}

function nested(name: string, value: unknown): readonly Line[] {
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object")) return [field(name, ...value.map(String))];
    return [{ heading: name, lines: value.flatMap((item) => fieldsOf(item)) }];
  }
  if (typeof value === "object" && value !== null) return [{ heading: name, lines: fieldsOf(value) }];
  return [field(name, ...String(value).split("\n"))];
}

function fieldsOf(value: unknown): readonly Line[] {
  if (typeof value !== "object" || value === null) return [field("-", String(value))];
  return Object.entries(value).flatMap(([name, inner]) => nested(title(name), inner));
}

/** `creationTimestamp` as `Creation Timestamp`; names with other signs stay. */
function title(name: string): string {
  if (!/^[A-Za-z]+$/.test(name)) return name;
  const spaced = name.replace(/([a-z])([A-Z])/g, "$1 $2");
  return `${spaced[0]?.toUpperCase() ?? ""}${spaced.slice(1)}`;
}
