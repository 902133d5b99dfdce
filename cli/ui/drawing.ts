import stringWidth from "string-width";

/** How a piece of text looks; colours are the theme's, and none is the only sign of anything. */
export type Style = "accent" | "bad" | "busy" | "good" | "head" | "plain" | "quiet" | "warn";

export interface Span {
  readonly text: string;
  readonly style?: Style;
  readonly isInverse?: boolean;
  readonly isBold?: boolean;
}
export type Line = readonly Span[];

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What terminals act on instead of showing it – escape sequences, other control characters, marks that turn the direction of
 *  writing – comes from pods and objects, too, and must not reach ours. A tab becomes spaces. Pure. */
export function printable(text: string): string {
  return text
    .replace(/\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?/g, "")
    .replace(/\x1b[[(][0-?]*[ -/]*[@-~]?/g, "")
    .replace(/\t/g, "    ")
    .replace(/[\r\n]+/g, " ")
    .replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}

/** The text in exactly so many columns of a terminal: cut with `…`, or filled up. */
export function fitted(text: string, width: number, align: "left" | "right" = "left"): string {
  const own = widthOf(text);
  if (own === width) return text;
  if (own < width) {
    const space = " ".repeat(width - own);
    return align === "left" ? text + space : space + text;
  }
  if (width <= 1) return "…".slice(0, width);
  const cut = cutTo(text, width - 1);
  return `${cut}…${" ".repeat(width - 1 - widthOf(cut))}`;
}

/** Columns that a text takes. Most of it is ASCII, of which each letter takes one. */
export const widthOf = (text: string): number =>
  /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);

function cutTo(text: string, width: number): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text.slice(0, width);
  let taken = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > width) return taken;
    taken += segment;
  }
  return taken;
}
const graphemes = new Intl.Segmenter();

/** A line in pieces of at most so many columns; an empty one stays. */
export function wrapped(text: string, width: number): readonly string[] {
  if (widthOf(text) <= width || width < 1) return [text];
  const pieces: string[] = [];
  for (let rest = text; rest !== ""; ) {
    const piece = cutTo(rest, width) || rest.slice(0, 1);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return pieces;
}
