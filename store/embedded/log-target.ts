import type { Fields, FieldsOrMaker, Log } from "../../base/os/log.ts";

/** Whoever is told: `console`, or a logger's own. */
export interface LogTarget {
  debug(message: string, fields: Readonly<Record<string, unknown>>): void;
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** A log whose lines go there; `component` says in whose name. */
export function logTo(target: LogTarget, component = "", known: Fields = {}): Log {
  const at = (level: keyof LogTarget) => (message: string, fields?: FieldsOrMaker) =>
    target[level](message, {
      ...(component !== "" && { component }),
      ...known,
      ...(typeof fields === "function" ? fields() : fields),
    });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (name, more) =>
      logTo(target, component === "" ? name : `${component}.${name}`, { ...known, ...more }),
  };
}
