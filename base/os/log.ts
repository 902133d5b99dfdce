import { ownWallMs } from "./own-timers.ts";
/** Structured logs: a constant message, fields beside it. Text or JSON, one line each, to stderr. */
export type Level = "debug" | "info" | "warn" | "error";
export type Fields = Readonly<Record<string, unknown>>;
/** What takes a while to put together is made only where the line is written. */
export type FieldsOrMaker = Fields | (() => Fields);

export interface Log {
  debug(message: string, fields?: FieldsOrMaker): void;
  info(message: string, fields?: FieldsOrMaker): void;
  warn(message: string, fields?: FieldsOrMaker): void;
  error(message: string, fields?: FieldsOrMaker): void;
  /** A log whose lines carry the component's name and these fields. */
  child(component: string, fields?: Fields): Log;
}

export interface LogOptions {
  readonly level: Level;
  /** `console`: in columns, the fields as JSON, as zap writes it. */
  readonly format: "text" | "json" | "console";
  readonly write: (line: string) => void;
  readonly wallMs: () => number;
}

const rank = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<Level, number>;

export const defaultLogOptions: LogOptions = {
  level: "info",
  format: "json",
  write: (line) => process.stderr.write(line),
  wallMs: () => ownWallMs(),
};

export function createLog(options: Partial<LogOptions> = {}, component = "", fields: Fields = {}): Log {
  const settings = { ...defaultLogOptions, ...options };
  const at = (level: Level) => (message: string, extra?: FieldsOrMaker) => {
    if (rank[level] < rank[settings.level]) return;
    const line = { ...fields, ...(typeof extra === "function" ? extra() : extra) };
    const time = new Date(settings.wallMs()).toISOString();
    if (settings.format === "console") {
      const rest = Object.keys(line).length === 0 ? [] : [JSON.stringify(plain(line))];
      settings.write(`${[time, level, component, message, ...rest].join("\t")}\n`);
      return;
    }
    settings.write(
      settings.format === "json"
        ? `${JSON.stringify({ level, ts: time, ...(component && { caller: component }), msg: message, ...plain(line) })}\n`
        : `${time} ${level.padEnd(5)} ${component ? `${component}: ` : ""}${message}${textFields(line)}\n`,
    );
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (name, more) =>
      createLog(settings, component ? `${component}.${name}` : name, { ...fields, ...more }),
  };
}

export const silentLog: Log = createLog({ write: () => undefined });

function plain(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString(16);
  if (value instanceof Error) return describeError(value);
  if (Array.isArray(value)) return value.map(plainValue);
  return value;
}

function textFields(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => {
      const shown = plainValue(value);
      return ` ${name}=${typeof shown === "string" ? (/^[^\s"=]+$/.test(shown) ? shown : JSON.stringify(shown)) : JSON.stringify(shown)}`;
    })
    .join("");
}

/** The message of anything that can be thrown, with the messages of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}
