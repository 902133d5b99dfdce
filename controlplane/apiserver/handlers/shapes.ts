import type { KubeObject } from "../../../client/types.ts";
import { badRequest, unfitForm } from "../api-error.ts";
import { type JsonObject, toKubeObject } from "../json.ts";
import type { Cell, Column, Kind } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { nameDescription } from "../resources/column-descriptions.ts";
import { writtenForm } from "../schema/written-form.ts";
import type { Output } from "./negotiate.ts";

/** The forms in which one object can be shown: whole, as metadata only, as a table row. Pure. */

export type IncludeObject = "None" | "Metadata" | "Object";

export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject") ?? "";
  if (value === "") return "Metadata";
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: "${value}": must be 'Metadata', 'Object', 'None', or empty`,
  );
}

/** The object as its group and version show it. */
export function servedObject(served: ServedKind, object: KubeObject): JsonObject {
  return writtenForm(served.convert === undefined ? { ...object } : served.convert.toServed(object));
}

export function metadataAlone(
  { bareMetadata }: Pick<Kind, "bareMetadata">,
  { metadata }: KubeObject,
  version: Output["version"],
): JsonObject {
  return partialMetadata(bareMetadata?.(metadata) ?? metadata, version);
}

export function partialMetadata(metadata: object, version: Output["version"]): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata };
}

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}
export const nameColumn: ColumnDefinition = {
  name: "Name",
  type: "string",
  format: "name",
  description: nameDescription,
  priority: 0,
};

/** How objects of one kind become rows. */
export interface TableView {
  readonly columns: readonly ColumnDefinition[];
  readonly cells: (object: KubeObject, nowMs: number) => readonly Cell[];
  /** The whole object in a row, for those who ask for it. */
  readonly whole: (object: KubeObject) => JsonObject;
  /** The kind, where its objects are shown. */
  readonly kind?: Pick<Kind, "bareMetadata" | "noRowsAreNull">;
}

export interface TableOptions {
  readonly view: TableView;
  readonly version: Output["version"];
  readonly include: IncludeObject;
  readonly nowMs: number;
  /** The client knows the columns: an earlier table of the same watch told them. */
  readonly columnsKnown?: boolean;
}

/** A meta.k8s.io Table. `metadata` is the list's, or the object's resourceVersion. */
export function table(
  options: TableOptions,
  objects: readonly KubeObject[],
  metadata: JsonObject,
): JsonObject {
  const { view, version } = options;
  const rows = objects.map((object) => ({
    cells: view.cells(object, options.nowMs),
    object: rowObject(options, object),
  }));
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: options.columnsKnown ? null : view.columns,
    rows: rows.length === 0 && view.kind?.noRowsAreNull ? null : rows,
  };
}

/** The table of a served kind. */
export function kindView(served: ServedKind): TableView {
  const { kind } = served;
  const { slow, view } = served;
  // Columns of a version look at the object as that version shows it.
  const cells: TableView["cells"] = (object, nowMs) =>
    view.cells(slow === undefined ? object : toKubeObject(servedObject(served, object)), nowMs);
  const columns = served.view.columns.map(columnDefinition);
  const whole = (object: KubeObject) => servedObject(served, object);
  if (kind.columnsIncludeName) return { columns, cells, whole, kind };
  return {
    columns: [nameColumn, ...columns],
    cells: (object, nowMs) => [object.metadata.name, ...cells(object, nowMs)],
    whole,
    kind,
  };
}

/** Fails with 406 if the form is for lists and this is none, or the other way round. */
export function checkForm(
  output: Output,
  { group, kind }: Pick<Kind, "group" | "kind">,
  isList: boolean,
): void {
  const type = `*${group.split(".")[0] || "core"}.${kind}${isList ? "List" : ""}`;
  if (output.as === "metadataList" && !isList)
    throw unfitForm("PartialObjectMetadataList", "not a list", type);
  if (output.as === "metadata" && isList) throw unfitForm("PartialObjectMetadata", "a list", type);
}

export function columnDefinition({ name, type, format, description, priority }: Column): ColumnDefinition {
  return { name, type, format: format ?? "", description, priority };
}

/** What a row has beside its cells. */
export function rowObject({ view, version, include }: TableOptions, object: KubeObject): JsonObject | null {
  if (include === "None") return null;
  return include === "Object" ? view.whole(object) : metadataAlone(view.kind ?? {}, object, version);
}
