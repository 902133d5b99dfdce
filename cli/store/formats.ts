import { UsageError } from "../../base/os/flags.ts";

/** For commands whose answer is text for people, or one JSON document for programs. */
export const outputFlag = {
  kind: "string",
  short: "o",
  default: "text",
  choices: ["text", "json"],
  value: "FORMAT",
  help: "text, or json",
} as const;

/** An answer of named values: lines for people, or a JSON object under the same names in camel case. */
export function answerText(values: Readonly<Record<string, unknown>>, format: "text" | "json"): string {
  if (format === "json") return `${JSON.stringify(values)}\n`;
  const names = Object.keys(values).map(shownName);
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const lines = Object.values(values).map((value, at) => `${(names[at] ?? "").padEnd(width)}${value}\n`);
  return lines.join("");
}

/** `totalSize`: `total size`. */
function shownName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** The one word that a command takes. */
export function onlyWord(words: readonly string[], what: string): string {
  const [word, ...more] = words;
  if (word === undefined) throw new UsageError(`which ${what}?`);
  if (more.length > 0) throw new UsageError(`one ${what} at a time; "${more[0]}" is one too many`);
  return word;
}

export function noWords(words: readonly string[]): void {
  if (words.length > 0) throw new UsageError(`unexpected word "${words[0]}"`);
}
