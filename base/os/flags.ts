import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";

/** One table describes a command's settings; command line, environment and YAML file use the same name.
 *  Precedence: command line, then environment, then `--config-file`, then default. */
export type FlagKind = "string" | "integer" | "number" | "boolean" | "list" | "duration";
export interface FlagRow {
  readonly kind: FlagKind;
  readonly help: string;
  /** Absent: the flag is optional and its value `undefined`. */
  readonly default?: string | number | boolean | readonly string[];
  /** One letter, for `-n`. */
  readonly short?: string;
  /** Shown in help instead of the kind, e.g. `URLS`. */
  readonly value?: string;
}
export type FlagTable = Readonly<Record<string, FlagRow>>;

type FlagValue<K extends FlagKind> = K extends "string"
  ? string
  : K extends "boolean"
    ? boolean
    : K extends "list"
      ? readonly string[]
      : number;
export type FlagValues<T extends FlagTable> = {
  readonly [N in keyof T]: T[N] extends { default: unknown }
    ? FlagValue<T[N]["kind"]>
    : FlagValue<T[N]["kind"]> | undefined;
};

export interface Parsed<T extends FlagTable> {
  readonly flags: FlagValues<T>;
  /** Words that are not flags, in order. */
  readonly words: readonly string[];
  /** Words after `--`. */
  readonly rest: readonly string[];
  /** Names the user gave on the command line, in the environment or in the file. */
  readonly given: ReadonlySet<string>;
}

export interface FlagSources {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `ETCD_` makes `--data-dir` readable from `ETCD_DATA_DIR`. */
  readonly envPrefix?: string;
  readonly readFile?: (path: string) => string;
}

/** What a user got wrong in how they called us: one clear line, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Durations are given as `100ms`, `1.5s`, `2m`, `1h` or a plain number of milliseconds; the value is milliseconds. */
export function parseFlags<T extends FlagTable>(
  table: T,
  argv: readonly string[],
  sources: FlagSources = {},
): Parsed<T> {
  const texts = new Map<string, { readonly raw: unknown; readonly from: string }>();
  const words: string[] = [];
  let rest: readonly string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") {
      rest = argv.slice(at + 1);
      break;
    }
    const match = /^--?([A-Za-z][\w.-]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) {
      words.push(word);
      continue;
    }
    const name = longName(table, match[1] ?? "", word);
    const row = table[name] as FlagRow;
    let raw: unknown = match[2];
    if (raw === undefined) {
      if (row.kind === "boolean") raw = true;
      else if (at + 1 < argv.length) raw = argv[++at];
      else throw new UsageError(`--${name}: a value is needed`);
    }
    const before = texts.get(name);
    texts.set(name, { raw: row.kind === "list" && before ? `${before.raw},${raw}` : raw, from: `--${name}` });
  }
  const { env = {}, envPrefix } = sources;
  if (envPrefix !== undefined) {
    for (const name of Object.keys(table)) {
      const variable = envPrefix + name.toUpperCase().replaceAll("-", "_");
      const raw = env[variable];
      if (raw !== undefined && !texts.has(name)) texts.set(name, { raw, from: variable });
    }
  }
  const file = texts.get("config-file")?.raw;
  if (typeof file === "string" && "config-file" in table) {
    for (const [name, raw] of Object.entries(readConfigFile(file, sources))) {
      if (!(name in table)) throw new UsageError(`${file}: unknown setting "${name}"${nearest(table, name)}`);
      if (!texts.has(name)) texts.set(name, { raw, from: `${file}: ${name}` });
    }
  }
  const flags: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) {
    const text = texts.get(name);
    flags[name] = text === undefined ? row.default : readValue(row, text.raw, text.from);
  }
  return { flags: flags as FlagValues<T>, words, rest, given: new Set(texts.keys()) };
}

/** The flags of a table as aligned help text. */
export function flagHelp(table: FlagTable): string {
  const rows = Object.entries(table).map(([name, row]) => {
    const value = row.kind === "boolean" ? "" : ` ${row.value ?? row.kind.toUpperCase()}`;
    const left = `  ${row.short ? `-${row.short}, ` : "    "}--${name}${value}`;
    const shown = Array.isArray(row.default) ? row.default.join(",") : row.default;
    const fallback = shown === undefined || shown === "" || shown === false ? "" : ` (default ${shown})`;
    return { left, right: row.help + fallback };
  });
  const width = Math.min(44, Math.max(...rows.map((row) => row.left.length)) + 2);
  return rows
    .map(({ left, right }) =>
      left.length < width ? left.padEnd(width) + right : `${left}\n${" ".repeat(width)}${right}`,
    )
    .join("\n");
}

function longName(table: FlagTable, name: string, word: string): string {
  if (Object.hasOwn(table, name)) return name;
  if (name.length === 1) {
    for (const [long, row] of Object.entries(table)) if (row.short === name) return long;
  }
  throw new UsageError(`unknown flag ${word.split("=")[0]}${nearest(table, name)}`);
}

function nearest(table: FlagTable, name: string): string {
  const close = Object.keys(table).find((known) => known.startsWith(name) || distance(known, name) <= 2);
  return close === undefined ? "" : `; did you mean --${close}?`;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function readConfigFile(path: string, sources: FlagSources): Record<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml((sources.readFile ?? ((name) => readFileSync(name, "utf8")))(path));
  } catch (error) {
    throw new UsageError(
      `--config-file: cannot read ${path}: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (content === null) return {};
  if (typeof content !== "object" || Array.isArray(content))
    throw new UsageError(`--config-file: ${path} must hold a mapping of flag names to values`);
  return content as Record<string, unknown>;
}

const durationUnitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function readValue(row: FlagRow, raw: unknown, from: string): unknown {
  const bad = (rule: string) => new UsageError(`${from}: ${JSON.stringify(raw)} is not ${rule}`);
  switch (row.kind) {
    case "string":
      if (typeof raw === "object") throw bad("a string");
      return String(raw);
    case "list": {
      const parts = Array.isArray(raw) ? raw.map(String) : String(raw).split(",");
      return parts.map((part) => part.trim()).filter((part) => part !== "");
    }
    case "boolean":
      if (raw === true || raw === "true" || raw === "1") return true;
      if (raw === false || raw === "false" || raw === "0" || raw === "") return false;
      throw bad("true or false");
    case "integer":
      if (!/^-?\d+$/.test(String(raw)) || !Number.isSafeInteger(Number(raw))) throw bad("a whole number");
      return Number(raw);
    case "number":
      if (String(raw).trim() === "" || !Number.isFinite(Number(raw))) throw bad("a number");
      return Number(raw);
    case "duration": {
      if (/^\d+$/.test(String(raw))) return Number(raw);
      const parts = [...String(raw).matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
      if (parts.length === 0 || parts.map((part) => part[0]).join("") !== String(raw))
        throw bad('a duration such as "500ms", "10s" or "1m30s"');
      return parts.reduce((sum, part) => sum + Number(part[1]) * (durationUnitMs[part[2] ?? ""] ?? 0), 0);
    }
  }
}
