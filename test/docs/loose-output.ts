/** Whether that was printed which a page shows. Space counts as one blank, and `…` stands for anything in its line; a line that is
 *  nothing else, for any lines. */
export function isShown(shown: string, printed: string): boolean {
  const lines = tidied(shown).map((line) =>
    line === "…" ? "(?:.*\n)*?" : `${line.split("…").map(escaped).join(".*?")}\n`,
  );
  return new RegExp(`^${lines.join("")}$`).test(`${tidied(printed).join("\n")}\n`);
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** Without colours, and without blank lines. */
const tidied = (text: string) =>
  text
    .replaceAll(/\x1b\[[\d;]*m/g, "")
    .split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "))
    .filter((line) => line !== "");
