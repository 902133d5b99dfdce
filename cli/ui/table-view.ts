import { RE2JS } from "re2js";
import { ageText, arrange, type Column, isAge, type Row, rowKey } from "../../client/rules/printed-table.ts";
import { type Tone, toneOf, toneSigns } from "../../client/rules/tone.ts";
import { fitted, type Line, printable, type Size, type Span, widthOf } from "./drawing.ts";

/** How a table of objects is looked at, and what of it is on the screen. Pure. */
export interface TableLook {
  /** A regular expression, `!` before it for what does not match. */
  readonly filter: string;
  /** A column's title; the namespace and name otherwise. */
  readonly sortBy: string | undefined;
  readonly isDescending: boolean;
  /** With columns that the server calls less important. */
  readonly isWide: boolean;
  /** Only what does not look well. */
  readonly isFaultsOnly: boolean;
  /** With the namespace before the name. */
  readonly hasNamespaces: boolean;
}

/** What an object uses, as `metrics.k8s.io` says. */
export interface Use {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

export interface ShownColumn {
  readonly title: string;
  readonly width: number;
  readonly isNumeric: boolean;
}
export interface ShownRow {
  readonly key: string;
  readonly row: Row;
  readonly cells: readonly string[];
  readonly tone: Tone | undefined;
}
export interface ShownTable {
  readonly columns: readonly ShownColumn[];
  readonly rows: readonly ShownRow[];
}

const cellWidthMost = 80;

export function shownTable(
  columns: readonly Column[],
  rows: Iterable<Row>,
  look: TableLook,
  { nowMs, use }: { readonly nowMs: number; readonly use: ReadonlyMap<string, Use> | undefined },
): ShownTable {
  const picked = columns.flatMap((column, at) =>
    look.isWide || column.priority === 0 ? [{ column, at, title: column.name.toUpperCase() }] : [],
  );
  const cellsOf = (row: Row): readonly string[] => {
    const { metadata } = row.object;
    const own = picked.map(({ column, at }) =>
      isAge(column) && metadata.creationTimestamp !== undefined
        ? ageText(nowMs - Date.parse(metadata.creationTimestamp))
        : cellText(row.cells[at]),
    );
    const used = use?.get(rowKey(row));
    return [
      ...(look.hasNamespaces ? [metadata.namespace ?? ""] : []),
      ...own,
      ...(use === undefined ? [] : amountCells(used)),
    ];
  };
  const titles = [
    ...(look.hasNamespaces ? ["NAMESPACE"] : []),
    ...picked.map(({ title }) => title),
    ...(use === undefined ? [] : ["CPU", "MEM"]),
  ];
  const isWanted = matcher(look.filter);
  const shown = ordered(columns, rows, look, use).flatMap((row): ShownRow[] => {
    const cells = cellsOf(row);
    if (!isWanted(cells.join(" "))) return [];
    const tone = worst(cells.map((cell, at) => toneOf(titles[at] ?? "", cell)));
    if (look.isFaultsOnly && tone !== "bad" && tone !== "warn") return [];
    return [{ key: rowKey(row), row, cells, tone }];
  });
  const widths = titles.map((title) => widthOf(title));
  for (const { cells } of shown)
    for (const [at, cell] of cells.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(cell));
  const numeric = new Set(["CPU", "MEM"]);
  return {
    rows: shown,
    columns: titles.map((title, at) => ({
      title,
      width: Math.min(widths[at] ?? 0, cellWidthMost),
      isNumeric: numeric.has(title),
    })),
  };
}

function ordered(
  columns: readonly Column[],
  rows: Iterable<Row>,
  { sortBy, isDescending }: TableLook,
  use: ReadonlyMap<string, Use> | undefined,
): readonly Row[] {
  const at = columns.findIndex(({ name }) => name.toUpperCase() === sortBy);
  const sorted = arrange(rows, columns, { words: "", sortBy: at, descending: at >= 0 && isDescending });
  const field = sortBy === "CPU" ? "cpuMillis" : sortBy === "MEM" ? "memoryBytes" : undefined;
  if (field !== undefined && use !== undefined) {
    const sign = isDescending ? -1 : 1;
    const amount = (row: Row) => use.get(rowKey(row))?.[field] ?? -1;
    return sorted.toSorted((a, b) => sign * (amount(a) - amount(b)));
  }
  return at < 0 && isDescending ? sorted.toReversed() : sorted;
}

const amountCells = (use: Use | undefined): readonly string[] =>
  use === undefined
    ? ["", ""]
    : [`${Math.ceil(use.cpuMillis)}m`, `${Math.floor(use.memoryBytes / 2 ** 20)}Mi`];

const ranks: readonly (Tone | undefined)[] = ["bad", "warn", "busy", "quiet", "good"];
const worst = (tones: readonly (Tone | undefined)[]): Tone | undefined =>
  ranks.find((tone) => tone !== undefined && tones.includes(tone));

const cellText = (cell: Row["cells"][number]): string =>
  cell === null || cell === undefined ? "" : printable(String(cell));

/** Whether a text is wanted by a filter: by a regular expression, in time proportional to the text, or, where it is none, as it
 *  stands; `!` before it for the contrary. Neither minds capitals. */
export function matcher(filter: string): (text: string) => boolean {
  if (filter === "" || filter === "!") return () => true;
  const isInverse = filter.startsWith("!");
  const wanted = isInverse ? filter.slice(1) : filter;
  const find = finder(wanted);
  return (text) => find(text) !== isInverse;
}

function finder(wanted: string): (text: string) => boolean {
  if (/^[\w ./:-]*$/.test(wanted) && !wanted.includes(".")) {
    const lower = wanted.toLowerCase();
    return (text) => text.toLowerCase().includes(lower);
  }
  try {
    const pattern = RE2JS.compile(wanted, RE2JS.CASE_INSENSITIVE);
    return (text) => pattern.matcher(text).find();
  } catch {
    return (text) => text.toLowerCase().includes(wanted.toLowerCase());
  }
}

export interface Cursor {
  /** The row that it is on stays under it while others come and go. */
  readonly key: string | undefined;
  /** Where it was last: where it goes when its row is gone. */
  readonly at: number;
  /** The first row on the screen. */
  readonly top: number;
}

/** The cursor on the rows that there are now, with a window of so many rows around it. */
export function placed(cursor: Cursor, rows: readonly ShownRow[], height: number): Cursor {
  if (rows.length === 0) return { ...cursor, at: 0, top: 0 };
  const found = cursor.key === undefined ? -1 : rows.findIndex(({ key }) => key === cursor.key);
  const at = found >= 0 ? found : Math.min(Math.max(cursor.at, 0), rows.length - 1);
  const window = Math.max(1, height);
  const topMost = Math.max(0, rows.length - window);
  const top = Math.min(topMost, Math.max(at - window + 1, Math.min(cursor.top, at)));
  return { key: rows[at]?.key, at, top: Math.max(0, top) };
}

export function moved(cursor: Cursor, rows: readonly ShownRow[], by: number): Cursor {
  const at = Math.min(Math.max(cursor.at + by, 0), Math.max(0, rows.length - 1));
  return { ...cursor, at, key: rows[at]?.key };
}

/** What is well needs no sign. */
const signOf = (tone: Tone | undefined): string =>
  tone === undefined || tone === "good" ? " " : toneSigns[tone];

/** Heading and the rows of the window, in exactly so many columns and lines. */
export function drawTable(
  { columns, rows }: ShownTable,
  {
    cursor,
    marked,
    look,
    scrolled,
  }: {
    readonly cursor: Cursor;
    readonly marked: ReadonlySet<string>;
    readonly look: Pick<TableLook, "sortBy" | "isDescending">;
    /** Columns that are out of sight on the left. */
    readonly scrolled: number;
  },
  { width, height }: Size,
): readonly Line[] {
  const laid = layOut(columns, width - 3, scrolled);
  const head = laid.map(({ column, width: own }) => {
    const arrow = column.title === look.sortBy ? (look.isDescending ? "↓" : "↑") : "";
    return fitted(column.title + arrow, own, column.isNumeric ? "right" : "left");
  });
  const lines: Line[] = [[{ text: fitted(`   ${head.join("  ")}`, width), style: "head", isBold: true }]];
  for (const [index, { key, cells, tone }] of rows.slice(cursor.top, cursor.top + height - 1).entries()) {
    const isHere = cursor.top + index === cursor.at;
    const sign = marked.has(key) ? "*" : signOf(tone);
    const body = laid.map(({ at, column, width: own }) =>
      fitted(cells[at] ?? "", own, column.isNumeric ? "right" : "left"),
    );
    const span: Span = {
      text: fitted(`${isHere ? ">" : " "}${sign} ${body.join("  ")}`, width),
      style: marked.has(key) ? "accent" : tone === "good" || tone === undefined ? "plain" : tone,
      isInverse: isHere,
    };
    lines.push([span]);
  }
  return lines;
}

const squeezedWidth = 16;

/** The columns that fit, two spaces apart; where all do not, the widest give way down to some width. */
function layOut(columns: readonly ShownColumn[], width: number, scrolled: number) {
  const shown = columns
    .map((column, at) => ({ column, at, width: column.width + 1 }))
    .filter(({ column, at }) => at >= scrolled || column.title === "NAME");
  const total = () => shown.reduce((sum, one) => sum + one.width + 2, -2);
  for (let over = total() - width; over > 0; over = total() - width) {
    const widest = shown.reduce((a, b) => (b.width > a.width ? b : a), {
      column: undefined,
      at: -1,
      width: 0,
    } as {
      width: number;
    });
    if (widest.width <= squeezedWidth) break;
    widest.width = Math.max(squeezedWidth, widest.width - over);
  }
  return shown;
}
