import type { AbsentFailpoints } from "../base/failpoints/http-api.ts";

const noTransaction = "the database has no transactions that are begun ahead";

/** Those of etcd's failpoints whose place a member does not have. */
export const absentFailpoints: AbsentFailpoints = {
  afterIsMemberExist: "membership is read in the turn in which it is used",
  afterStartDBTxn: noTransaction,
  beforeStartDBTxn: noTransaction,
  compactAfterAcquiredBatchTxLock: "a compaction locks nothing",
  defragBeforeRename: "space is given back file by file, and none takes the place of another",
};
