/** Text within a page: no mark but code marks means anything. */
export const plain = (text: string): string =>
  text
    .replaceAll(/\s+/g, " ")
    // The site would make links of addresses.
    .replaceAll(/(?<!`)\b(?:https?|unixs?):\/\/[\w.:/-]*\w/g, "`$&`")
    .split(/(`[^`]*`)/)
    .map((part, at) => (at % 2 === 1 ? part : escaped(part)))
    .join("");

const escaped = (text: string): string =>
  text
    .replaceAll(/[\\*_[\]`#~]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("{{", "{&#123;");

export const code = (text: string): string => (text === "" ? "" : `\`${text}\``);

/** Cells are Markdown already. */
export const tableOf = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => "---"), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");

/** A page that is written by a program. */
export const pageOf = (title: string, ...parts: readonly string[]): string =>
  `${[`# ${title}`, ...parts].join("\n\n")}\n`;

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
