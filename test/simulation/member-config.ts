import type { createMember } from "../../store/create-member.ts";
import { raftLimits } from "../../store/raft/config.ts";
import type { SimOptions } from "./options.ts";

/** A member's configuration, with bounds so small that a run gets to where they matter. */
export function memberConfig(options: SimOptions): Parameters<typeof createMember>[0] {
  const { heartbeatMs, electionMs, snapshotCount, catchUpEntries, appendBytesMax, requestBytesMax } = options;
  const { stretch, quotaBytes, silentChecksMax, logBytesMax, leaseCheckpointMs, corruptCheckMs } = options;
  return {
    dataDir: "/data",
    heartbeatMs,
    electionMs,
    snapshotCount,
    quotaBytes,
    maxRequestBytes: requestBytesMax,
    maxTxnOps: 128,
    maxLearners: 1,
    strictReconfigCheck: true,
    watchProgressMs: 700 * stretch,
    leaseCheckpointMs,
    corruptionChecks: { everyMs: corruptCheckMs, compactionsEveryMs: corruptCheckMs },
    version: "3.5.0",
    tuning: {
      raft: { ...raftLimits, appendBytesMax, inflightMessagesMax: 8, silentChecksMax },
      catchUpEntries,
      logBytesMax,
      // So small that most ranges and many writes pause.
      slices: { keysMax: 2, valuesMax: 1, valueBytesMax: 100, changesMax: 2 },
      // So small that the keys are saved all the time, in many pages.
      checkpoints: { rowsMin: 15, busyShare: 2, idleShare: 1, idleMs: 500, pageBytes: 60 },
      // So small that watches fall behind memory and read history.
      watch: {
        batchRevisionsMax: 4,
        batchBytesMax: 500,
        recent: { eventsMax: 20, bytesMax: 10_000 },
        historyRowsPerRead: 10,
      },
    },
  };
}
