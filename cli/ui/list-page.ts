import type { Column, Row } from "../../client/rules/printed-table.ts";
import type { Binding } from "./page.ts";
import { RowsPage } from "./rows-page.ts";
import type { Screen } from "./screen.ts";
import { type ShownTable, shownTable } from "./table-view.ts";

/** What a list shows of one thing, under the list's titles; the first is its name. */
export interface ListSource<Item> {
  readonly crumb: string;
  readonly titles: readonly string[];
  items(): readonly Item[];
  cellsOf(item: Item): readonly string[];
  bindings(chosen: () => Item | undefined): readonly Binding[];
  close?(): void;
}

/** Rows that are no objects of the cluster: contexts, kinds, containers, open ports. */
export class ListPage<Item> extends RowsPage {
  readonly #source: ListSource<Item>;
  readonly #columns: readonly Column[];
  #byKey = new Map<string, Item>();

  constructor(screen: Screen, source: ListSource<Item>) {
    super(screen);
    this.#source = source;
    this.#columns = source.titles.map((name) => ({ name, type: "string", priority: 0 }));
  }

  get crumb(): string {
    return this.#source.crumb;
  }
  get title(): string {
    return `${this.crumb}[${this.shownRows}]`;
  }

  protected table(): ShownTable {
    this.#byKey = new Map();
    const rows = this.#source.items().map((item): Row => {
      const cells = this.#source.cellsOf(item);
      const row: Row = { cells, object: { metadata: { name: cells.join("/") } } };
      this.#byKey.set(`/${row.object.metadata.name}`, item);
      return row;
    });
    return shownTable(this.#columns, rows, this.look, { nowMs: 0, use: undefined });
  }

  protected get ownBindings(): readonly Binding[] {
    return this.#source.bindings(() => {
      const key = this.current?.key;
      return key === undefined ? undefined : this.#byKey.get(key);
    });
  }

  override close(): void {
    this.#source.close?.();
  }
}
