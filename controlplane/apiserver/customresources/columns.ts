import { exactJsonText } from "../../../base/exact-json.ts";
import { JsonPathError, selectPath } from "../../../base/json-path.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Cell, Column, TableColumns } from "../registry/kind.ts";
import { age } from "../resources/cell-text.ts";
import type { PrinterColumn } from "./definition.ts";

/** The table of a version's objects: its own columns, or their age where it has none. */
export function tableColumns(columns: readonly PrinterColumn[] = [ageColumn]): TableColumns {
  return {
    columns: columns.map(columnOf),
    cells: (object, nowMs) => columns.map((column) => cellOf(column, object, nowMs)),
  };
}

const ageColumn: PrinterColumn = {
  name: "Age",
  type: "date",
  description:
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
  jsonPath: ".metadata.creationTimestamp",
};

function columnOf({ name, type, format, description, priority, jsonPath }: PrinterColumn): Column {
  return {
    name,
    type: type as Column["type"],
    ...(format !== undefined && { format }),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: priority ?? 0,
  };
}

function cellOf({ type, jsonPath }: PrinterColumn, object: KubeObject, nowMs: number): Cell {
  const value = found(jsonPath, object);
  if (value === undefined) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : typeof value === "bigint" ? value : null;
    case "number":
      return typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "string":
      return typeof value === "string" ? value : exactJsonText(value);
    case "date":
      if (typeof value !== "string") return null;
      return Number.isNaN(Date.parse(value)) ? "<invalid>" : age(value, nowMs);
    default:
      return null;
  }
}

function found(path: string, object: KubeObject): unknown {
  try {
    return selectPath(path, object)[0];
  } catch (error) {
    if (error instanceof JsonPathError) return undefined; // as Kubernetes shows it
    throw error;
  }
}
