import type { FlagTable } from "../../base/os/flags.ts";

export const shutdownFlags = {
  "shutdown-grace-period": {
    kind: "duration",
    default: 0,
    help: "SIGTERM ends all pods, within this, before the agent ends (SIGINT never does); 0: pods run on.",
  },
  "shutdown-grace-period-critical-pods": {
    kind: "duration",
    default: 0,
    help: "The last part of --shutdown-grace-period, which critical pods have for themselves.",
  },
} as const satisfies FlagTable;
