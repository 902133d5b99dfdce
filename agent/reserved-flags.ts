import type { FlagTable, FlagValues } from "../base/os/flags.ts";
import { type Reservation, readReservation, together } from "./reserved.ts";

export const reservedFlags = {
  "system-reserved": {
    kind: "list",
    default: [],
    help: "What pods are not given, for the system: cpu, memory, ephemeral-storage.",
    value: "RESOURCE=QUANTITY,…",
  },
  "kube-reserved": {
    kind: "list",
    default: [],
    help: "And for the cluster's own parts on this node, the agent among them.",
    value: "RESOURCE=QUANTITY,…",
  },
  "enforce-node-allocatable": {
    kind: "list",
    default: ["pods"],
    help: "pods: the kernel holds all pods together to the memory that is not reserved; none: nobody does.",
    value: "pods|none",
  },
} as const satisfies FlagTable;

export interface ReservedRules {
  /** For the system and the cluster's own parts. */
  readonly reserved: Reservation;
  /** All pods together are held to the memory that is not reserved. */
  readonly limitsPods: boolean;
}

/** What is wrong with them is told to `check`. */
export function reservedRules(
  flags: FlagValues<typeof reservedFlags>,
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): ReservedRules {
  const reserved = (["system-reserved", "kube-reserved"] as const)
    .map((name) => readReservation(flags[name], (text, rule) => check(false, name, text, rule)))
    .reduce(together);
  const enforced = flags["enforce-node-allocatable"];
  check(
    enforced.length === 0 || (enforced.length === 1 && ["pods", "none"].includes(enforced[0] ?? "")),
    "enforce-node-allocatable",
    enforced.join(),
    "must be pods or none: nothing else is held to what is reserved",
  );
  return { reserved, limitsPods: enforced[0] === "pods" };
}
