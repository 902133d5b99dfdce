import type { FlagTable, FlagValues } from "../../base/os/flags.ts";
import { parseQuantity } from "../../base/quantity.ts";
import { type KeptLogs, keptLogFlags, keptLogs } from "../logs/kept-log-flags.ts";
import type { LogRotation } from "./log-files.ts";

export interface NodeLogs extends LogRotation {
  readonly kept: KeptLogs;
  /** Says where they are shipped (`kind: LogShipping`); absent: nowhere. */
  readonly shipping: string | undefined;
}

export const logFlags = {
  "container-log-max-size": {
    kind: "string",
    default: "10Mi",
    help: "How long a container's log grows before it goes on in another file.",
    value: "QUANTITY",
  },
  "container-log-max-files": {
    kind: "integer",
    default: 5,
    help: "How many files are kept of a container's log, the one that is written to among them.",
  },
  ...keptLogFlags,
  "log-shipping": {
    kind: "string",
    help: "Where logs of this node are shipped, and which: a file of kind LogShipping.",
    value: "FILE",
  },
} as const satisfies FlagTable;

/** What is wrong with them is told to `check`. */
export function nodeLogs(
  flags: FlagValues<typeof logFlags>,
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): NodeLogs {
  const { "container-log-max-size": size, "container-log-max-files": filesMost } = flags;
  const logBytesMost = bytesOf(size);
  check(
    Number.isSafeInteger(logBytesMost) && logBytesMost > 0,
    "container-log-max-size",
    size,
    "is not a quantity of whole bytes above 0, such as 10Mi",
  );
  check(filesMost > 1 && filesMost <= 1_000, "container-log-max-files", filesMost, "must be 2 to 1000");
  return { logBytesMost, filesMost, kept: keptLogs(flags, check), shipping: flags["log-shipping"] };
}

function bytesOf(text: string): number {
  try {
    return parseQuantity(text);
  } catch {
    return Number.NaN;
  }
}
