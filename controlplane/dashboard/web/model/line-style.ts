/** How the lines of a chart are told apart: by a pattern beside the colour, which never says it alone. Pure. */

const colours = ["--accent", "--busy", "--warn", "--good", "--bad", "--quiet", "--text"] as const;
/** Lengths of strokes and of gaps between them, in pixels. */
const patterns: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

export const lineColours: readonly string[] = colours;

export interface LineStyle {
  /** A token of `style/tokens.css`. */
  readonly colour: string;
  readonly pattern: readonly number[];
}

/** The style of a chart's nth line; 28 differ. */
export const lineStyle = (at: number): LineStyle => ({
  colour: colours[at % colours.length] ?? "--text",
  pattern: patterns[at % patterns.length] ?? [],
});
