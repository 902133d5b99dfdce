import type { KubeObject } from "../../../client/types.ts";
import { badRequest } from "../api-error.ts";
import type { JsonObject } from "../json.ts";
import type { Cell, Column } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import type { Output } from "./negotiate.ts";

/** The forms in which one object can be shown: whole, as metadata only, as a table row. Pure. */

export type IncludeObject = "None" | "Metadata" | "Object";

export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject") ?? "";
  if (value === "") return "Metadata";
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  throw badRequest(
    `includeObject: Invalid value: "${value}": must be 'Metadata', 'Object', 'None', or empty`,
  );
}

/** The object as its group and version show it. */
export function servedObject(served: ServedKind, object: KubeObject): JsonObject {
  return served.convert === undefined ? { ...object } : served.convert.toServed(object);
}

export function partialMetadata(object: KubeObject, version: Output["version"]): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}
const nameColumn: ColumnDefinition = {
  name: "Name",
  type: "string",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.",
  priority: 0,
};

export interface TableOptions {
  readonly served: ServedKind;
  readonly version: Output["version"];
  readonly include: IncludeObject;
  readonly nowMs: number;
}

/** A meta.k8s.io Table. `metadata` is the list's, or the object's resourceVersion. */
export function table(
  options: TableOptions,
  objects: readonly KubeObject[],
  metadata: JsonObject,
): JsonObject {
  const { served, version } = options;
  const columns = served.kind.columns.map(columnDefinition);
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: served.kind.columnsIncludeName ? columns : [nameColumn, ...columns],
    rows: objects.map((object) => ({ cells: cells(options, object), object: rowObject(options, object) })),
  };
}

function columnDefinition({ name, type, format, description, priority }: Column): ColumnDefinition {
  return { name, type, format: format ?? "", description, priority };
}

function cells({ served, nowMs }: TableOptions, object: KubeObject): readonly Cell[] {
  const own = served.kind.cells(object, nowMs);
  return served.kind.columnsIncludeName ? own : [object.metadata.name, ...own];
}

function rowObject({ served, version, include }: TableOptions, object: KubeObject): JsonObject | null {
  if (include === "None") return null;
  return include === "Object" ? servedObject(served, object) : partialMetadata(object, version);
}
