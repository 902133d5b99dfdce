import { type Signal, signal } from "@preact/signals";
import type { Column, Row, Table } from "../../../../client/rules/printed-table.ts";
import { rowKey } from "../../../../client/rules/printed-table.ts";
import { LiveList } from "./live-list.ts";

export const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/** The rows of a collection as the server prints them. */
export class TableFeed extends LiveList<Row> {
  readonly columns: Signal<readonly Column[]>;

  /** @param keep What is kept of each row. */
  constructor(path: string, query: Readonly<Record<string, string>> = {}, keep = (row: Row): Row => row) {
    const columns = signal<readonly Column[]>([]);
    const itemsOf = (answer: unknown) => {
      const { columnDefinitions, rows } = answer as Table;
      if (columnDefinitions?.length) columns.value = columnDefinitions;
      return (rows ?? []).map(keep);
    };
    const resourceVersionOf = ({ object }: Row) => object.metadata.resourceVersion;
    super({ accept: asTable, itemsOf, keyOf: rowKey, resourceVersionOf }, path, query);
    this.columns = columns;
  }
}
