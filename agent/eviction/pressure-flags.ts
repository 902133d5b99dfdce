import type { FlagTable } from "../../base/os/flags.ts";
import type { Reservation } from "../reserved.ts";
import type { PressureRules } from "./node-pressure.ts";
import {
  amountOf,
  defaultHardThresholds,
  isHard,
  numberOf,
  readThresholds,
  type Threshold,
} from "./thresholds.ts";

export const pressureFlags = {
  "eviction-hard": {
    kind: "list",
    default: [...defaultHardThresholds],
    help: "What has to be left of the node; where less is, pods go at once. Replaces all defaults; 0% switches one off.",
    value: "SIGNAL<VALUE,…",
  },
  "eviction-soft": {
    kind: "list",
    default: [],
    help: "What should be left; where less is for its grace period, pods go, with time to end.",
    value: "SIGNAL<VALUE,…",
  },
  "eviction-soft-grace-period": {
    kind: "list",
    default: [],
    help: "How long each of --eviction-soft is put up with.",
    value: "SIGNAL=DURATION,…",
  },
  "eviction-minimum-reclaim": {
    kind: "list",
    default: [],
    help: "How much more than was to be left has to be, once it was not, for pressure to be over.",
    value: "SIGNAL=VALUE,…",
  },
  "eviction-max-pod-grace-period": {
    kind: "integer",
    default: 0,
    help: "The most seconds that a pod gets to end for --eviction-soft; it gets one at least.",
  },
  "eviction-pressure-transition-period": {
    kind: "goDuration",
    default: 300_000,
    help: "How long the node tells of pressure after it was over.",
  },
} as const satisfies FlagTable;

type PressureValues = {
  readonly "eviction-hard": readonly string[];
  readonly "eviction-soft": readonly string[];
  readonly "eviction-soft-grace-period": readonly string[];
  readonly "eviction-minimum-reclaim": readonly string[];
  readonly "eviction-max-pod-grace-period": number;
  readonly "eviction-pressure-transition-period": number;
};

/** What is wrong with them is told to `check`. */
export function pressureRules(
  flags: PressureValues,
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): PressureRules {
  const graceSeconds = flags["eviction-max-pod-grace-period"];
  check(graceSeconds >= 0, "eviction-max-pod-grace-period", graceSeconds, "must not be negative");
  const thresholds = readThresholds(
    {
      hard: flags["eviction-hard"],
      soft: flags["eviction-soft"],
      softGracePeriod: flags["eviction-soft-grace-period"],
      minimumReclaim: flags["eviction-minimum-reclaim"],
    },
    ({ flag, text, rule }) => check(false, flag, text, rule),
  );
  return {
    thresholds,
    transitionMs: flags["eviction-pressure-transition-period"],
    podGraceSecondsMost: graceSeconds,
  };
}

/** What of a machine pods never get, since they would be evicted before. */
export function evictionReservation(
  thresholds: readonly Threshold[],
  machine: { readonly memoryBytes: number; readonly storageBytes: number },
): Reservation {
  const kept = (signal: Threshold["signal"], capacity: number) => {
    const hard = thresholds.find((one) => one.signal === signal && isHard(one));
    return hard === undefined ? 0 : numberOf(amountOf(hard.value, capacity));
  };
  return {
    cpuMillis: 0,
    memoryBytes: kept("memory.available", machine.memoryBytes),
    storageBytes: kept("nodefs.available", machine.storageBytes),
  };
}
