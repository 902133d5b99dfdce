import type { FieldPath } from "./field-path.ts";

/** What a person is writing at a place of a text, which need not be whole YAML yet. */
export interface WritingPlace {
  readonly is: "name" | "value";
  /** Of the object whose field is being named, or of the field whose value is being written. */
  readonly path: FieldPath;
  /** Fields that stand there already. */
  readonly siblings: readonly string[];
  /** Where the word begins that is being written. */
  readonly from: number;
  /** The column of the field's name, for what is put below it. */
  readonly column: number;
}

interface Line {
  /** Column of the field's name, or of what stands there. */
  readonly column: number;
  /** Columns of the dashes before it. */
  readonly dashes: readonly number[];
  readonly name?: string;
}

const linePattern =
  /^( *)((?:- +|-$)*)(?:("[^"]*"|'[^']*'|[^\s#"'[\]{}&*!|>%@`,-][^:#]*|-[^\s:#][^:#]*)\s*:(?=\s|$))?/;

/** What a line begins with tells all that is looked for. */
const lineHeadMost = 1_000;

function lineOf(line: string): Line | undefined {
  const text = line.slice(0, lineHeadMost);
  if (/^\s*(#|$)/.test(text)) return undefined;
  const [, indent = "", dashes = "", name] = linePattern.exec(text) ?? [];
  const columns = [...dashes.matchAll(/-/g)].map(({ index }) => indent.length + index);
  const column = indent.length + dashes.length + (dashes.endsWith("-") ? 1 : 0);
  return {
    column,
    dashes: columns,
    ...(name !== undefined && { name: name.trim().replace(/^["']|["']$/g, "") }),
  };
}

/** Finds it by the columns of the lines above, as a reader does. Undefined inside of flow collections (`{…}`), comments and
 *  blocks of text. Pure. */
export function writingPlace(text: string, offset: number): WritingPlace | undefined {
  const lines = text.split("\n");
  const before = text.slice(0, offset).split("\n");
  const at = before.length - 1;
  const written = before[at] ?? "";
  if (/(^|\s)#/.test(written) || isInBlock(lines, at)) return undefined;
  const value = /^(\s*(?:- +)*)([\w$./-]+|"[^"]*"):\s+([^\s{}[\]|>&*!]*)$/.exec(written);
  const name = /^(\s*(?:- +)*)([\w$./-]*)$/.exec(written);
  if (value) {
    const head = lineOf(written);
    if (head?.name === undefined) return undefined;
    const path = [...pathAbove(lines, at, head.column, head.dashes), head.name];
    return { is: "value", path, siblings: [], from: offset - (value[3]?.length ?? 0), column: head.column };
  }
  if (!name) return undefined;
  const column = (name[1] ?? "").length;
  const dashes = [...(name[1] ?? "").matchAll(/-/g)].map(({ index }) => index);
  const path = pathAbove(lines, at, column, dashes);
  return {
    is: "name",
    path,
    siblings: siblingsOf(lines, at, column, dashes.length > 0),
    from: offset - (name[2] ?? "").length,
    column,
  };
}

/** The fields and items around a line, outermost first. */
function pathAbove(
  lines: readonly string[],
  at: number,
  column: number,
  dashes: readonly number[],
): (string | number)[] {
  const path: (string | number)[] = [];
  let within = column;
  /** Columns of dashes of the lists that we are in and whose items are still counted. */
  const take = (columns: readonly number[], row: number) => {
    for (const dash of [...columns].reverse()) {
      if (dash >= within) continue;
      path.unshift(itemsBefore(lines, row, dash));
      // A list's field may stand in the dash's own column.
      within = dash + 1;
    }
  };
  take(dashes, at);
  for (let row = at - 1; row >= 0 && within > 0; row--) {
    const line = lineOf(lines[row] ?? "");
    if (line === undefined) continue;
    if (line.column < within && line.name !== undefined) {
      path.unshift(line.name);
      within = line.column;
      take(line.dashes, row);
    } else if (line.column <= within && line.dashes.some((dash) => dash < within)) take(line.dashes, row);
  }
  return path;
}

function itemsBefore(lines: readonly string[], row: number, dash: number): number {
  let count = 0;
  for (let above = row - 1; above >= 0; above--) {
    const line = lineOf(lines[above] ?? "");
    if (line === undefined) continue;
    if (line.dashes.includes(dash)) count++;
    else if (Math.min(line.column, ...line.dashes) <= dash) break;
  }
  return count;
}

function siblingsOf(
  lines: readonly string[],
  at: number,
  column: number,
  isItemsFirst: boolean,
): readonly string[] {
  const names: string[] = [];
  const scan = (step: 1 | -1) => {
    if (step === -1 && isItemsFirst) return;
    for (let row = at + step; row >= 0 && row < lines.length; row += step) {
      const line = lineOf(lines[row] ?? "");
      if (line === undefined) continue;
      const begins = Math.min(line.column, ...line.dashes);
      if (step === 1 && begins < column) return;
      if (line.column === column && line.name !== undefined) names.push(line.name);
      if (step === -1 && begins < column) return;
    }
  };
  scan(-1);
  scan(1);
  return names;
}

/** Whether a line is part of a text that `|` or `>` began. */
function isInBlock(lines: readonly string[], at: number): boolean {
  const own = (lines[at] ?? "").search(/\S|$/);
  let least = own;
  for (let row = at - 1; row >= 0; row--) {
    const line = lines[row] ?? "";
    if (line.trim() === "") continue;
    const indent = line.search(/\S/);
    if (indent >= least) continue;
    if (/[:-]\s+[|>][+-]?\d*\s*(#.*)?$/.test(line)) return true;
    least = indent;
  }
  return false;
}
