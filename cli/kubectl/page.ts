/** A page of describe: names and values in two columns, sections indented under their heading. */
export type Line =
  /** `Name:   value`, further values below it in the same column. */
  | { readonly name: string; readonly values: readonly string[] }
  /** A heading and what stands under it, indented. */
  | { readonly heading: string; readonly lines: readonly Line[] }
  /** A heading and a table under it. */
  | { readonly heading: string; readonly table: readonly (readonly string[])[] };

export const field = (name: string, ...values: readonly (string | number | undefined | null)[]): Line => {
  const shown = values.filter((value) => value !== undefined && value !== null && value !== "").map(String);
  return { name, values: shown.length === 0 ? ["<none>"] : shown };
};

/** `a=b` for each, sorted. */
export function pairs(map: Readonly<Record<string, string>> | undefined, separator = "="): readonly string[] {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}${separator}${value}`);
}

export function pageText(lines: readonly Line[], indent = ""): string {
  const width = Math.max(0, ...lines.map((line) => ("name" in line ? line.name.length + 1 : 0))) + 2;
  return lines.map((line) => lineText(line, indent, width)).join("");
}

function lineText(line: Line, indent: string, width: number): string {
  if ("name" in line) {
    const [first = "", ...more] = line.values;
    const head = `${indent}${`${line.name}:`.padEnd(width)}${first}`.trimEnd();
    return `${[head, ...more.map((value) => `${indent}${" ".repeat(width)}${value}`)].join("\n")}\n`;
  }
  if ("lines" in line) {
    if (line.lines.length === 0) return `${indent}${line.heading}:  <none>\n`;
    return `${indent}${line.heading}:\n${pageText(line.lines, `${indent}  `)}`;
  }
  const [heading, ...rows] = line.table;
  if (heading === undefined || rows.length === 0) return `${indent}${line.heading}:  <none>\n`;
  const rule = heading.map((title) => "-".repeat(title.length));
  return `${indent}${line.heading}:\n${columns([heading, rule, ...rows], `${indent}  `)}`;
}

function columns(rows: readonly (readonly string[])[], indent: string): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows
    .map((row) => `${indent}${row.map((cell, at) => cell.padEnd((widths[at] ?? 0) + 2)).join("")}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}
