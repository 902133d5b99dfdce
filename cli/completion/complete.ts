import type { FlagRow, FlagTable } from "../../base/os/flags.ts";
import type { Command, WordSource } from "../command.ts";
import { findRow, rowsBelow } from "../command-table.ts";
import type { Program } from "../program.ts";
import { beginning, type Candidate, nothing, type Offer, words as offered } from "./offer.ts";

/** What a running cluster, or this machine, is asked for. */
export interface LiveSource {
  readonly kind:
    | Exclude<WordSource, readonly string[] | "file" | "none">
    | "container"
    | "context"
    | "namespace";
  /** The word under the cursor, as far as it is typed. */
  readonly typed: string;
  /** The command's words before it. */
  readonly words: readonly string[];
  /** Values of the flags that were given, by their long names. */
  readonly flags: ReadonlyMap<string, string>;
}
export type AskLive = (source: LiveSource) => Promise<Offer>;

/** What can stand in place of the last of these words, which may be empty; those before it are the program's first ones. */
export async function complete(program: Program, typed: readonly string[], live: AskLive): Promise<Offer> {
  const before = typed.slice(0, -1);
  const current = typed.at(-1) ?? "";
  if (before[0] === "help") return commandWords(program, before.slice(1), current);
  const row = findRow(program.groups, before);
  const flagless = before.findIndex((word) => word.startsWith("-"));
  const further = flagless < 0 && !current.startsWith("-") ? commandWords(program, before, current) : nothing;
  if (row === undefined) return before.length === 0 ? withHelp(further, current) : further;
  const command = await row.load();
  const own = await ofCommand(command, before.slice(row.name.split(" ").length), current, live);
  return { ...own, candidates: [...further.candidates, ...own.candidates] };
}

const withHelp = (offer: Offer, current: string): Offer =>
  "help".startsWith(current)
    ? { candidates: [...offer.candidates, { word: "help", note: "say what there is" }] }
    : offer;

/** The next words of the commands whose names go on so. */
function commandWords({ groups }: Program, before: readonly string[], current: string): Offer {
  const found = new Map<string, string>();
  for (const { name, summary } of rowsBelow(groups, before)) {
    const parts = name.split(" ");
    const word = parts[before.length] ?? "";
    if (!word.startsWith(current)) continue;
    if (parts.length === before.length + 1) found.set(word, summary);
    else if (!found.has(word)) found.set(word, `${parts.slice(0, before.length + 1).join(" ")} …`);
  }
  return { candidates: [...found].map(([word, note]) => ({ word, note })) };
}

async function ofCommand(
  { flags: table, words: sources = [] }: Command,
  before: readonly string[],
  current: string,
  live: AskLive,
): Promise<Offer> {
  const read = readWords(table, before);
  if (read.ended) return { candidates: [], files: "any" };
  const ask = (kind: LiveSource["kind"], typed: string) =>
    live({ kind, typed, words: read.words, flags: read.flags });
  if (read.pending !== undefined) return valuesOf(read.pending, current, ask);
  const written = /^--?([A-Za-z][\w.-]*)=([\s\S]*)$/.exec(current);
  if (written !== null) {
    const [, name = "", value = ""] = written;
    const flag = flagNamed(table, name);
    if (flag === undefined) return nothing;
    const offer = await valuesOf(flag, value, ask);
    const prefix = current.slice(0, current.length - value.length);
    return { ...offer, candidates: offer.candidates.map((one) => ({ ...one, word: prefix + one.word })) };
  }
  if (current.startsWith("-")) return flagWords(table, read.flags, current);
  const source = sources[Math.min(read.words.length, sources.length - 1)] ?? "none";
  if (source === "none") return nothing;
  if (source === "file") return { candidates: [], files: "any" };
  if (typeof source === "string") return ask(source, current);
  return beginning(offered(source), current);
}

interface Flag {
  readonly name: string;
  readonly row: FlagRow;
}

function flagNamed(table: FlagTable, said: string): Flag | undefined {
  const long = Object.hasOwn(table, said)
    ? said
    : Object.keys(table).find((name) => said.length === 1 && table[name]?.short === said);
  const name = long === undefined ? undefined : (table[long]?.sameAs ?? long);
  const row = name === undefined ? undefined : table[name];
  return name === undefined || row === undefined ? undefined : { name, row };
}

interface ReadWords {
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
  /** The flag whose value comes next. */
  readonly pending: Flag | undefined;
  /** `--` came before. */
  readonly ended: boolean;
}

/** As `parseFlags` reads them, but for unknown flags, which it refuses. */
function readWords(table: FlagTable, before: readonly string[]): ReadWords {
  const words: string[] = [];
  const flags = new Map<string, string>();
  let pending: Flag | undefined;
  for (const word of before) {
    if (pending !== undefined) {
      flags.set(pending.name, word);
      pending = undefined;
      continue;
    }
    if (word === "--") return { words, flags, pending, ended: true };
    const match = /^--?([A-Za-z][\w.-]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) {
      words.push(word);
      continue;
    }
    const flag = flagNamed(table, match[1] ?? "");
    if (flag === undefined) continue;
    if (match[2] === undefined && flag.row.kind !== "boolean") pending = flag;
    else flags.set(flag.name, match[2] ?? "true");
  }
  return { words, flags, pending, ended: false };
}

function flagWords(table: FlagTable, given: ReadonlyMap<string, string>, current: string): Offer {
  const rows = Object.entries(table).filter(
    ([name, row]) => row.hidden !== true && (row.kind === "list" || !given.has(row.sameAs ?? name)),
  );
  const candidates: Candidate[] = [
    ...rows.map(([name, row]) => ({ word: `--${name}`, note: row.help })),
    { word: "--help", note: "show this command's flags and examples" },
  ];
  return { candidates: candidates.filter(({ word }) => word.startsWith(current)) };
}

const liveFlags = { container: "container", context: "context", namespace: "namespace" } as const;

/** Values of a flag: those that it names, those that are there now, or files. */
async function valuesOf(
  { name, row }: Flag,
  typed: string,
  ask: (kind: LiveSource["kind"], typed: string) => Promise<Offer>,
): Promise<Offer> {
  const { value = "" } = row;
  const named =
    row.choices ?? row.offers ?? (/^[\w-]+(\|[\w-]+)+$/.test(value) ? value.split("|") : undefined);
  if (row.kind === "boolean") return beginning(offered(["true", "false"]), typed);
  if (named !== undefined) {
    const done = row.kind === "list" ? typed.slice(0, typed.lastIndexOf(",") + 1) : "";
    const rest = named.filter((one) => !done.split(",").includes(one)).map((one) => done + one);
    const offer = beginning(offered(rest), typed);
    return { ...offer, ...(named.some((one) => one.endsWith("=")) && { unfinished: true }) };
  }
  if (Object.hasOwn(liveFlags, name)) return ask(liveFlags[name as keyof typeof liveFlags], typed);
  if (/^DIRS?$/.test(value)) return { candidates: [], files: "folders" };
  if (/^(FILES?|PATH)$/.test(value)) return { candidates: [], files: "any" };
  return nothing;
}
