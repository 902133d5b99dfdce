import { stringify } from "yaml";
import { UsageError } from "../../base/os/flags.ts";
import type { KubeObject } from "../../client/types.ts";
import { type DiscoveredResource, shownName } from "./discovery.ts";
import { jsonPath } from "./json-path.ts";

/** The server's table of objects. */
export interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows: readonly {
    readonly cells: readonly unknown[];
    readonly object?: { readonly metadata?: { readonly namespace?: string; readonly name?: string } };
  }[];
}

/** A table of a watch, of which only the first tells the columns. */
export type WatchedTable = Omit<Table, "columnDefinitions"> & {
  readonly columnDefinitions: Table["columnDefinitions"] | null;
};

/** The same with the columns of the table before it, where it tells none. */
export function withColumns(table: WatchedTable, before: Table["columnDefinitions"]): Table {
  return { ...table, columnDefinitions: table.columnDefinitions ?? before };
}

export type Format =
  | { readonly kind: "table"; readonly wide: boolean }
  | { readonly kind: "json" | "yaml" | "name" }
  | { readonly kind: "jsonpath"; readonly template: string };

export function parseFormat(text: string | undefined): Format {
  if (text === undefined || text === "" || text === "wide") return { kind: "table", wide: text === "wide" };
  if (text === "json" || text === "yaml" || text === "name") return { kind: text };
  const template = /^jsonpath=([\s\S]*)$/.exec(text)?.[1];
  if (template !== undefined) return { kind: "jsonpath", template: template.replace(/^'([\s\S]*)'$/, "$1") };
  throw new UsageError(`--output: "${text}" is none of wide, json, yaml, name, jsonpath=TEMPLATE`);
}

/** One object as it is, several as a List. */
export function objectsText(
  format: Exclude<Format, { kind: "table" }>,
  found: readonly { readonly resource: DiscoveredResource; readonly object: KubeObject }[],
  options: { readonly single: boolean },
): string {
  if (format.kind === "name")
    return found.map(({ resource, object }) => `${shownName(resource, object.metadata.name)}\n`).join("");
  const objects = found.map(({ object }) => withoutManagedFields(object));
  const [first] = objects;
  const value =
    options.single && first !== undefined
      ? first
      : { apiVersion: "v1", items: objects, kind: "List", metadata: { resourceVersion: "" } };
  switch (format.kind) {
    case "json":
      return `${JSON.stringify(value, null, 4)}\n`;
    case "yaml":
      return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
    case "jsonpath":
      return jsonPath(format.template, value);
  }
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export interface TableOptions {
  readonly wide: boolean;
  readonly namespaces: boolean;
  /** Shown before each name, where several kinds are listed. */
  readonly prefix?: string;
  readonly header: boolean;
}

/** The cells of a table as rows of text, heading first where wanted. */
export function tableRows(table: Table, options: TableOptions): readonly (readonly string[])[] {
  const shown = table.columnDefinitions.flatMap((column, at) =>
    options.wide || (column.priority ?? 0) === 0 ? [{ at, title: column.name.toUpperCase() }] : [],
  );
  const heading = [...(options.namespaces ? ["NAMESPACE"] : []), ...shown.map(({ title }) => title)];
  const rows = table.rows.map((row) => [
    ...(options.namespaces ? [row.object?.metadata?.namespace ?? ""] : []),
    ...shown.map(({ at }) => `${at === 0 ? (options.prefix ?? "") : ""}${cellText(row.cells[at])}`),
  ]);
  return options.header ? [heading, ...rows] : rows;
}

/** Columns three spaces apart, as kubectl prints them. */
export function aligned(rows: readonly (readonly string[])[], gap = 3): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd((widths[at] ?? 0) + gap))).join("");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined || cell === "") return "<none>";
  return typeof cell === "string" ? cell : JSON.stringify(cell);
}
