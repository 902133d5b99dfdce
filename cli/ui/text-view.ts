import { fitted, type Line, type Size, type Span, type Style, wrapped } from "./drawing.ts";
import { matcher } from "./table-view.ts";

/** A page of text: what of it is on the screen. Pure. */
export interface TextLook {
  readonly top: number;
  readonly isWrapped: boolean;
  /** Lines that have this are shown in another colour, and `n` goes from one to the next. */
  readonly search: string;
}

export interface TextLine {
  readonly text: string;
  readonly style?: Style;
}

/** The lines as they stand on a screen of that width. */
export const rowsOf = (lines: readonly TextLine[], width: number, isWrapped: boolean): readonly TextLine[] =>
  isWrapped
    ? lines.flatMap(({ text, style }) =>
        wrapped(text, width).map((piece) => ({ text: piece, ...(style && { style }) })),
      )
    : lines;

export const topMost = (rows: number, height: number): number => Math.max(0, rows - height);

/** Where the next line that has the text is, from a row on, around the end; -1 where there is none. */
export function nextMatch(rows: readonly TextLine[], search: string, from: number, step: 1 | -1): number {
  if (search === "") return -1;
  const isWanted = matcher(search);
  for (let passed = 1; passed <= rows.length; passed++) {
    const at = (((from + step * passed) % rows.length) + rows.length) % rows.length;
    if (isWanted(rows[at]?.text ?? "")) return at;
  }
  return -1;
}

export function drawText(
  rows: readonly TextLine[],
  { top, search }: Pick<TextLook, "top" | "search">,
  { width, height }: Size,
): readonly Line[] {
  const isFound = search === "" ? () => false : matcher(search);
  return rows.slice(top, top + height).map(({ text, style = "plain" }): readonly Span[] => {
    const found = isFound(text);
    return [{ text: fitted(text, width), style: found ? "accent" : style, isBold: found }];
  });
}

/** YAML with its keys set off. */
export const yamlLines = (text: string): readonly TextLine[] =>
  text.split("\n").map((line) => ({ text: line, ...(/^\s*#/.test(line) && { style: "quiet" as const }) }));
