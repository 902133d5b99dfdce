import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { isNearly } from "../edit-distance.ts";

/** One table describes a command's settings; command line, environment and YAML file use the same name.
 *  Precedence: command line, then environment, then `--config-file`, then default. */
export type FlagKind = "string" | "integer" | "number" | "boolean" | "list" | "duration" | "goDuration";
export interface FlagRow {
  readonly kind: FlagKind;
  readonly help: string;
  /** Absent: the flag is optional and its value `undefined`. */
  readonly default?: string | number | boolean | readonly string[];
  /** One letter, for `-n`. */
  readonly short?: string;
  /** Shown in help instead of the kind, e.g. `URLS`. */
  readonly value?: string;
  /** The only values that it may have; of a list, its parts. */
  readonly choices?: readonly string[];
  /** Values that shells offer, where it may have others, or its reader has the last word. */
  readonly offers?: readonly string[];
  /** Left out of help. */
  readonly hidden?: true;
  /** Another name of that flag. */
  readonly sameAs?: string;
}
export type FlagTable = Readonly<Record<string, FlagRow>>;

type ChoiceOf<R> = R extends { choices: readonly (infer C extends string)[] } ? C : string;
type FlagValue<R extends { readonly kind: FlagKind }> = R["kind"] extends "string"
  ? ChoiceOf<R>
  : R["kind"] extends "boolean"
    ? boolean
    : R["kind"] extends "list"
      ? readonly ChoiceOf<R>[]
      : number;
export type FlagValues<T extends FlagTable> = {
  readonly [N in keyof T]: T[N] extends { default: unknown } ? FlagValue<T[N]> : FlagValue<T[N]> | undefined;
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
  /** Mappings within the file: the flag that each of their settings is. */
  readonly fileSections?: FileSections;
}
/** The flag that a key of a mapping stands for, or what the keys of a mapping within it do. */
export interface FileSection {
  readonly [key: string]: string | FileSection;
}
export type FileSections = Readonly<Record<string, FileSection>>;

/** What a user got wrong in how they called us: one clear line, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Durations are given as `100ms`, `1.5s`, `2m`, `1h` or a plain number of milliseconds; the value is milliseconds. Those of
 *  kind `goDuration` need their unit, but for a file's plain numbers, which are nanoseconds, as in every Go program. */
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
    const said = longName(table, match[1] ?? "", word);
    const name = table[said]?.sameAs ?? said;
    const row = table[name] as FlagRow;
    let raw: unknown = match[2];
    if (raw === undefined) {
      if (row.kind === "boolean") raw = true;
      else if (at + 1 < argv.length) raw = argv[++at];
      else throw new UsageError(`--${said}: a value is needed`);
    }
    const before = texts.get(name);
    texts.set(name, { raw: row.kind === "list" && before ? `${before.raw},${raw}` : raw, from: `--${said}` });
  }
  const { env = {}, envPrefix } = sources;
  if (envPrefix !== undefined) {
    for (const [said, row] of Object.entries(table)) {
      const variable = flagVariable(envPrefix, said);
      const raw = env[variable];
      const name = row.sameAs ?? said;
      if (raw !== undefined && !texts.has(name)) texts.set(name, { raw, from: variable });
    }
  }
  const file = texts.get("config-file")?.raw;
  if (typeof file === "string" && "config-file" in table) {
    for (const { key, flag, raw } of fileSettings(file, sources)) {
      if (flag === undefined || !Object.hasOwn(table, flag))
        throw new UsageError(`${file}: unknown setting "${key}"${nearest(table, key)}`);
      const name = table[flag]?.sameAs ?? flag;
      // A key without a value says nothing.
      if (raw !== null && !texts.has(name)) texts.set(name, { raw, from: `${file}: ${key}` });
    }
  }
  const flags: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) {
    if (row.sameAs !== undefined) continue;
    const text = texts.get(name);
    flags[name] = text === undefined ? row.default : readValue(row, text.raw, text.from);
  }
  return { flags: flags as FlagValues<T>, words, rest, given: new Set(texts.keys()) };
}

/** The variable that gives a flag its value. */
export const flagVariable = (prefix: string, flag: string): string =>
  prefix + flag.toUpperCase().replaceAll("-", "_");

/** The flags of a table as aligned help text. */
export function flagHelp(table: FlagTable): string {
  const shownRows = Object.entries(table).filter(([, row]) => row.hidden !== true);
  const rows = shownRows.map(([name, row]) => {
    const value = row.kind === "boolean" ? "" : ` ${row.value ?? row.kind.toUpperCase()}`;
    const left = `  ${row.short ? `-${row.short}, ` : "    "}--${name}${value}`;
    const shown = defaultText(row);
    const fallback = shown === "" || shown === "false" ? "" : ` (default ${shown})`;
    return { left, right: row.help + fallback };
  });
  const width = Math.min(44, Math.max(...rows.map((row) => row.left.length)) + 2);
  return rows
    .map(({ left, right }) =>
      left.length < width ? left.padEnd(width) + right : `${left}\n${" ".repeat(width)}${right}`,
    )
    .join("\n");
}

/** A flag's default as one would type it; empty where there is none. */
export function defaultText(row: FlagRow): string {
  const { default: given, kind } = row;
  if (typeof given === "number" && (kind === "duration" || kind === "goDuration")) return durationText(given);
  return given === undefined ? "" : String(given);
}

function longName(table: FlagTable, name: string, word: string): string {
  if (Object.hasOwn(table, name)) return name;
  if (name.length === 1) {
    for (const [long, row] of Object.entries(table)) if (row.short === name) return long;
  }
  throw new UsageError(`unknown flag ${word.split("=")[0]}${nearest(table, name)}`);
}

function nearest(table: FlagTable, name: string): string {
  const close = Object.keys(table).find((known) => isNearly(known, name));
  return close === undefined ? "" : `; did you mean --${close}?`;
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

interface FileSetting {
  /** Those of a section are named `section.key`. */
  readonly key: string;
  readonly flag: string | undefined;
  readonly raw: unknown;
}

/** A file's settings with the flag that each stands for. */
function fileSettings(path: string, sources: FlagSources): readonly FileSetting[] {
  const { fileSections = {} } = sources;
  return Object.entries(readConfigFile(path, sources)).flatMap(([key, raw]) => {
    const section = Object.hasOwn(fileSections, key) ? fileSections[key] : undefined;
    return section === undefined ? [{ key, flag: key, raw }] : sectionSettings(path, { key, section, raw });
  });
}

function sectionSettings(
  path: string,
  { key, section, raw }: { readonly key: string; readonly section: FileSection; readonly raw: unknown },
): readonly FileSetting[] {
  if (raw === null) return [];
  if (typeof raw !== "object" || Array.isArray(raw))
    throw new UsageError(`${path}: ${key} must hold a mapping of settings to values`);
  return Object.entries(raw as object).flatMap(([inner, value]) => {
    const meant = Object.hasOwn(section, inner) ? section[inner] : undefined;
    const name = `${key}.${inner}`;
    return typeof meant === "object"
      ? sectionSettings(path, { key: name, section: meant, raw: value })
      : [{ key: name, flag: meant, raw: value }];
  });
}

const durationUnitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The milliseconds of a duration whose parts have their units, as Go's `time.ParseDuration` wants it; undefined when it is
 *  none. */
export function parseGoDurationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (text === "0") return 0;
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) return undefined;
  return parts.reduce((sum, part) => sum + Number(part[1]) * (durationUnitMs[part[2] ?? ""] ?? 0), 0);
}

/** `90000` is `1m30s`: as Go writes durations, but for parts that are zero. */
export function durationText(ms: number): string {
  if (ms === 0) return "0";
  const [h, m] = [Math.floor(ms / 3_600_000), Math.floor((ms % 3_600_000) / 60_000)];
  const restMs = ms % 60_000;
  const rest = restMs === 0 ? "" : restMs % 1000 === 0 || ms > 1000 ? `${restMs / 1000}s` : `${restMs}ms`;
  return `${h === 0 ? "" : `${h}h`}${m === 0 ? "" : `${m}m`}${rest}`;
}

function chosen({ choices }: FlagRow, value: string, from: string): string {
  if (choices === undefined || choices.includes(value)) return value;
  const allowed =
    choices.length === 1 ? choices[0] : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  throw new UsageError(`${from}: ${JSON.stringify(value)} must be ${allowed}`);
}

function readValue(row: FlagRow, raw: unknown, from: string): unknown {
  const bad = (rule: string) => new UsageError(`${from}: ${JSON.stringify(raw)} is not ${rule}`);
  const refuse = (rule: string): never => {
    throw bad(rule);
  };
  switch (row.kind) {
    case "string":
      if (typeof raw === "object") throw bad("a string");
      return chosen(row, String(raw), from);
    case "list": {
      const parts = Array.isArray(raw) ? raw.map(String) : String(raw).split(",");
      const named = parts.map((part) => part.trim()).filter((part) => part !== "");
      return named.map((part) => chosen(row, part, from));
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
      return parseGoDurationMs(String(raw)) ?? refuse('a duration such as "500ms", "10s" or "1m30s"');
    }
    case "goDuration": {
      if (typeof raw === "number" && raw >= 0) return raw * (durationUnitMs.ns ?? 0);
      return parseGoDurationMs(String(raw)) ?? refuse('a duration with its unit, such as "500ms" or "1m30s"');
    }
  }
}
