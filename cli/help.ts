import { flagHelp } from "../base/os/flags.ts";
import type { Command } from "./command.ts";
import { type Row, rowsOf } from "./command-table.ts";
import type { Program } from "./program.ts";

/** What `pintle help` prints. */
export function overview({ name, title, groups }: Program): string {
  const width = widthOf(rowsOf(groups));
  const body = Object.entries(groups)
    .map(([heading, rows]) => `${heading}:\n${rowLines(rows, width)}\n`)
    .join("\n");
  return `${name} - ${title}\n\n${body}\n"${name} COMMAND --help" shows a command's flags and examples.\n`;
}

/** The commands whose names begin with the same words, such as all of `pintle token`. */
export function groupHelp({ name }: Program, rows: readonly Row[]): string {
  return `${rowLines(rows, widthOf(rows))}\n\n"${name} COMMAND --help" shows a command's flags and examples.\n`;
}

const widthOf = (rows: readonly Row[]): number => Math.max(...rows.map(({ name }) => name.length)) + 2;
const rowLines = (rows: readonly Row[], width: number): string =>
  rows.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`).join("\n");

/** What `pintle COMMAND --help` prints. */
export function commandHelp(program: Pick<Program, "name">, command: Command): string {
  const flags = Object.keys(command.flags).length === 0 ? "" : `\nFlags:\n${flagHelp(command.flags)}\n`;
  const examples = command.examples.map((example) => `  ${exampleOf(program, example)}`).join("\n");
  return `${usageLine(program, command)}\n  ${command.summary}\n${flags}${examples === "" ? "" : `\nExamples:\n${examples}\n`}`;
}

export const usageLine = ({ name }: Pick<Program, "name">, command: Command): string =>
  `${name} ${command.name}${command.usage === undefined ? "" : ` ${command.usage}`}`;

/** An example as it is typed where the program has another name. */
const exampleOf = ({ name }: Pick<Program, "name">, example: string): string =>
  example.replaceAll(/(?<![\w/.-])pintle (?=[a-z])/g, `${name} `);
