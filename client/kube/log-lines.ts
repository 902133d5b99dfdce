import { createLog, type Fields, type FieldsOrMaker, type Level, type Log } from "../../base/os/log.ts";

/** What a client, informer or controller has to say. */
export interface LogLine {
  readonly level: Level;
  /** Always the same for the same event. */
  readonly message: string;
  /** What it is about, errors as they are. */
  readonly fields: Fields;
}

/** Warnings and errors as lines of text on standard error. */
export const warningsToStderr: Log = createLog({ level: "warn", format: "text" });

/** A log that hands each line to a function, which decides what becomes of it. */
export function logTo(onLog: (line: LogLine) => void, fields: Fields = {}): Log {
  const at = (level: Level) => (message: string, more?: FieldsOrMaker) =>
    onLog({ level, message, fields: { ...fields, ...(typeof more === "function" ? more() : more) } });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (component, extra) => logTo(onLog, { ...fields, component, ...extra }),
  };
}
