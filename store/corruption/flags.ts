import type { FlagTable, FlagValues } from "../../base/os/flags.ts";
import type { CorruptionChecks } from "./monitor.ts";

/** etcd's flags of the checks that compare members' data. */
export const corruptionFlagRows = {
  "corrupt-check-time": {
    kind: "goDuration",
    help: "time between two comparisons of all members' data; 0: none",
    default: 0,
    value: "DURATION",
  },
  "compact-hash-check-time": {
    kind: "goDuration",
    help: "time between two comparisons of what members hashed while they compacted (gate CompactHashCheck)",
    default: 60_000,
    value: "DURATION",
  },
  "experimental-corrupt-check-time": {
    kind: "goDuration",
    help: "the same as --corrupt-check-time",
    hidden: true,
    sameAs: "corrupt-check-time",
  },
  "experimental-compact-hash-check-time": {
    kind: "goDuration",
    help: "the same as --compact-hash-check-time",
    hidden: true,
    sameAs: "compact-hash-check-time",
  },
  "experimental-initial-corrupt-check": {
    kind: "boolean",
    help: "the same as --feature-gates=InitialCorruptCheck=true",
    default: false,
    hidden: true,
  },
  "experimental-compact-hash-check-enabled": {
    kind: "boolean",
    help: "the same as --feature-gates=CompactHashCheck=true",
    default: false,
    hidden: true,
  },
} as const satisfies FlagTable;

/** What they say with the gates, by name. Throws with the flag and the rule that is broken. */
export function corruptionChecks(
  flags: FlagValues<typeof corruptionFlagRows>,
  gates: ReadonlyMap<string, boolean>,
): CorruptionChecks & { /** Before this member serves anybody. */ readonly initial: boolean } {
  const everyMs = flags["corrupt-check-time"];
  const compactionsEveryMs = flags["compact-hash-check-time"];
  if (compactionsEveryMs <= 0)
    throw new Error(`--compact-hash-check-time: ${compactionsEveryMs} ms must be more than 0`);
  const isCompactionChecked =
    gates.get("CompactHashCheck") ?? flags["experimental-compact-hash-check-enabled"];
  return {
    initial: gates.get("InitialCorruptCheck") ?? flags["experimental-initial-corrupt-check"],
    everyMs,
    compactionsEveryMs: isCompactionChecked ? compactionsEveryMs : 0,
  };
}
