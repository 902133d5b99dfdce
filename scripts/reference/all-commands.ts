import type { FlagRow } from "../../base/os/flags.ts";
import type { Command } from "../../cli/command.ts";
import { commandGroups, type Row } from "../../cli/command-table.ts";

export interface NamedCommand {
  readonly row: Row;
  readonly command: Command;
  readonly heading: string;
}

/** Every command with its code, in the order of `pintle help`. */
export async function allCommands(): Promise<readonly NamedCommand[]> {
  const rows = Object.entries(commandGroups).flatMap(([heading, group]) =>
    group.map((row) => ({ heading, row })),
  );
  return Promise.all(rows.map(async (one) => ({ ...one, command: await one.row.load() })));
}

/** What help shows, but for flags of the parts of `pintle server`, which are those of the parts' own commands. */
export const shownFlags = ({ flags }: Command): readonly (readonly [string, FlagRow])[] =>
  Object.entries(flags).filter(([name, row]) => row.hidden !== true && !name.includes("."));

/** The parts whose flags a command takes behind their names, as `--store.data-dir`. */
export const partsOf = ({ flags }: Command): readonly string[] => [
  ...new Set(Object.keys(flags).flatMap((name) => (name.includes(".") ? [name.replace(/\..*/, "")] : []))),
];

/** The type of a flag's value as help names it. */
export const valueName = (row: FlagRow): string | undefined =>
  row.kind === "boolean" ? undefined : (row.value ?? row.kind.toUpperCase());
