import { resolve } from "node:path";
import type { FlagTable, FlagValues } from "../../base/os/flags.ts";
import { parseQuantity } from "../../base/quantity.ts";

/** What is kept of logs that would be gone, and which files beside pods' are searched and shipped. */
export interface KeptLogs {
  /** As it lies on the disk. */
  readonly bytesMost: number;
  readonly ageMsMost: number;
  readonly components: readonly string[];
  readonly audit: readonly string[];
}

export const keptLogFlags = {
  "kept-logs-max-size": {
    kind: "string",
    default: "1Gi",
    help: "How much is kept, compressed, of logs whose pods or containers are gone and that files gave way to; 0: nothing.",
    value: "QUANTITY",
  },
  "kept-logs-max-age": {
    kind: "duration",
    default: 7 * 24 * 3_600_000,
    help: "How long such logs are kept.",
  },
  "component-logs": {
    kind: "list",
    default: [],
    help: "Folders of this machine in which components have their logs, <component>.log, which people who may read a node's logs search.",
    value: "FOLDERS",
  },
  "audit-logs": {
    kind: "list",
    default: [],
    help: "Files of this machine that API servers write audit events to, for people who may search them.",
    value: "FILES",
  },
} as const satisfies FlagTable;

/** What is wrong with them is told to `check`. */
export function keptLogs(
  flags: FlagValues<typeof keptLogFlags>,
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): KeptLogs {
  const { "kept-logs-max-size": size, "kept-logs-max-age": ageMsMost } = flags;
  const bytesMost = bytesOf(size);
  const isSize = Number.isSafeInteger(bytesMost) && bytesMost >= 0;
  check(isSize, "kept-logs-max-size", size, "is not a quantity of whole bytes, such as 1Gi");
  check(ageMsMost >= 0, "kept-logs-max-age", ageMsMost, "must not be negative");
  return {
    bytesMost,
    ageMsMost,
    components: [...new Set(flags["component-logs"].map((path) => resolve(path)))],
    audit: flags["audit-logs"].map((path) => resolve(path)),
  };
}

function bytesOf(text: string): number {
  try {
    return parseQuantity(text);
  } catch {
    return Number.NaN;
  }
}
