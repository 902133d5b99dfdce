import type { Line, Size } from "./drawing.ts";
import { movingBindings } from "./moving.ts";
import type { Binding, Page } from "./page.ts";
import type { Screen } from "./screen.ts";
import {
  type Cursor,
  drawTable,
  moved,
  placed,
  type ShownRow,
  type ShownTable,
  type TableLook,
} from "./table-view.ts";

/** A page of rows with a cursor: moving, marking, sorting, filtering. */
export abstract class RowsPage implements Page {
  abstract readonly crumb: string;
  abstract readonly title: string;
  protected readonly screen: Screen;
  protected look: TableLook = {
    filter: "",
    sortBy: undefined,
    isDescending: false,
    isWide: false,
    isFaultsOnly: false,
    hasNamespaces: false,
  };
  protected readonly marked = new Set<string>();
  #cursor: Cursor = { key: undefined, at: 0, top: 0 };
  #scrolled = 0;
  #height = 1;
  #shown: ShownTable = { columns: [], rows: [] };

  constructor(screen: Screen) {
    this.screen = screen;
  }

  /** The rows as they are to be shown now. */
  protected abstract table(): ShownTable;
  protected abstract readonly ownBindings: readonly Binding[];
  close(): void {}

  get filter(): string {
    return this.look.filter;
  }
  setFilter(filter: string): void {
    this.lookOtherwise({ filter });
  }

  protected lookOtherwise(change: Partial<TableLook>): void {
    this.look = { ...this.look, ...change };
    this.screen.changed();
  }

  /** The row under the cursor. */
  protected get current(): ShownRow | undefined {
    return this.#shown.rows[this.#cursor.at];
  }
  /** Those that are marked, else the one under the cursor. */
  protected get chosen(): readonly ShownRow[] {
    const all = this.#shown.rows.filter(({ key }) => this.marked.has(key));
    return all.length > 0 ? all : this.current === undefined ? [] : [this.current];
  }
  protected get shownRows(): number {
    return this.#shown.rows.length;
  }

  draw(size: Size): readonly Line[] {
    this.#shown = this.table();
    this.#height = Math.max(1, size.height - 1);
    this.#cursor = placed(this.#cursor, this.#shown.rows, this.#height);
    const { look, marked } = this;
    return drawTable(this.#shown, { cursor: this.#cursor, marked, look, scrolled: this.#scrolled }, size);
  }

  #move(by: number): void {
    this.#cursor = placed(moved(this.#cursor, this.#shown.rows, by), this.#shown.rows, this.#height);
    this.screen.changed();
  }

  #scroll(by: number): void {
    this.#scrolled = Math.min(Math.max(0, this.#scrolled + by), Math.max(0, this.#shown.columns.length - 1));
    this.screen.changed();
  }

  #mark(): void {
    const key = this.current?.key;
    if (key === undefined) return;
    if (!this.marked.delete(key)) this.marked.add(key);
    this.#move(1);
  }

  /** All from the nearest mark to the cursor. */
  #markRange(): void {
    const { rows } = this.#shown;
    const { at } = this.#cursor;
    const marks = rows.flatMap(({ key }, index) => (this.marked.has(key) ? [index] : []));
    const nearest = marks.toSorted((a, b) => Math.abs(a - at) - Math.abs(b - at))[0] ?? at;
    const [from, to] = [Math.min(nearest, at), Math.max(nearest, at)];
    for (const { key } of rows.slice(from, to + 1)) this.marked.add(key);
    this.screen.changed();
  }

  protected unmark(): void {
    this.marked.clear();
    this.screen.changed();
  }

  /** Sorts by a column; once more: the other way round. */
  protected sortBy(title: string): void {
    const isSame = this.look.sortBy === title;
    this.lookOtherwise({ sortBy: title, isDescending: isSame && !this.look.isDescending });
  }

  protected sorting(key: string, title: string): Binding {
    return { key, help: `Sort by ${title.toLowerCase()}`, isMinor: true, does: () => this.sortBy(title) };
  }

  get bindings(): readonly Binding[] {
    const minor = (key: string, help: string, does: () => void): Binding => ({
      key,
      help,
      isMinor: true,
      does,
    });
    return [
      ...this.ownBindings,
      ...movingBindings({
        by: (rows) => this.#move(rows),
        page: () => this.#height,
        toTop: () => this.#move(-this.shownRows),
        toEnd: () => this.#move(this.shownRows),
      }),
      minor("left", "Columns to the left", () => this.#scroll(-1)),
      minor("right", "Columns to the right", () => this.#scroll(1)),
      minor("space", "Mark", () => this.#mark()),
      minor("ctrl-space", "Mark up to here", () => this.#markRange()),
      minor("ctrl-\\", "No marks", () => this.unmark()),
      minor("ctrl-z", "Only what is not well", () =>
        this.lookOtherwise({ isFaultsOnly: !this.look.isFaultsOnly }),
      ),
      this.sorting("N", "NAME"),
      this.sorting("A", "AGE"),
    ];
  }
}
