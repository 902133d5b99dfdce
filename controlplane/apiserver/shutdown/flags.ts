import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";

/** kube-apiserver's flags for its end, and for clients that should look for another server, by its names. */
export const shutdownFlags = {
  "shutdown-delay-duration": {
    kind: "duration",
    default: 0,
    help: "How long requests are served as before while /readyz says already that the server stops",
  },
  "shutdown-send-retry-after": {
    kind: "boolean",
    default: false,
    help: "While requests under way end, refuse others with 429 and Retry-After instead of closing the port at once",
  },
  "shutdown-watch-termination-grace-period": {
    kind: "duration",
    default: 0,
    help: "Spread the ends of watches over this time (200 a second at least); 0 ends them at once",
  },
  "goaway-chance": {
    kind: "number",
    default: 0,
    help: "Chance that an answer ends its connection, so that clients spread over servers (0 to 0.02)",
  },
} as const satisfies FlagTable;

export interface ShutdownConfig {
  readonly delayMs: number;
  readonly sendsRetryAfter: boolean;
  readonly watchGraceMs: number;
  /** 0 to 1: how probably an answer ends its connection. */
  readonly goawayChance: number;
}

export const shutdownAtOnce: ShutdownConfig = {
  delayMs: 0,
  sendsRetryAfter: false,
  watchGraceMs: 0,
  goawayChance: 0,
};

/** Each thing that is wrong is added to `problems`. */
export function shutdownConfig(flags: FlagValues<typeof shutdownFlags>, problems: string[]): ShutdownConfig {
  const goawayChance = flags["goaway-chance"];
  if (!(goawayChance >= 0 && goawayChance <= 0.02))
    problems.push("--goaway-chance can not be less than 0 or greater than 0.02");
  return {
    delayMs: flags["shutdown-delay-duration"],
    sendsRetryAfter: flags["shutdown-send-retry-after"],
    watchGraceMs: flags["shutdown-watch-termination-grace-period"],
    goawayChance,
  };
}
