import type { FlagTable } from "../base/os/flags.ts";

/** etcd's flags of its log. */
export const logFlagRows = {
  logger: { kind: "string", help: "zap: structured logs", default: "zap" },
  "log-level": {
    kind: "string",
    help: "debug, info, warn or error (dpanic, panic and fatal mean error)",
    default: "info",
  },
  "log-format": { kind: "string", help: "json or console", default: "json" },
  "log-outputs": {
    kind: "list",
    help: "stderr, stdout or files; default: stderr",
    default: ["default"],
  },
  "enable-log-rotation": {
    kind: "boolean",
    help: "put the one file of --log-outputs aside when it is full",
    default: false,
  },
  "log-rotation-config-json": {
    kind: "string",
    help: "when, and what is kept: maxsize in MB, maxage in days, maxbackups, localtime",
    default: '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
    value: "JSON",
  },
  "log-output": { kind: "list", help: "the same as --log-outputs", hidden: true, sameAs: "log-outputs" },
} as const satisfies FlagTable;

/** etcd's levels in ours. */
export const logLevels: ReadonlyMap<string, "debug" | "info" | "warn" | "error"> = new Map([
  ["debug", "debug"],
  ["info", "info"],
  ["warn", "warn"],
  ["error", "error"],
  ["dpanic", "error"],
  ["panic", "error"],
  ["fatal", "error"],
]);
