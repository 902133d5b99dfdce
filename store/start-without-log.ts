import { bootstrapLog } from "./driver/bootstrap.ts";
import type { DurableLog } from "./driver/seams.ts";
import type { InitialCluster } from "./membership/initial-cluster.ts";
import { memberJson } from "./membership/member.ts";
import type { Identity } from "./open-log.ts";
import type { MemberId } from "./raft/types.ts";
import type { Recovered } from "./wal/recovery.ts";

/** Of a member that lives in memory nobody will read a log: consensus holds the entries that it still needs itself. */
const noLog: DurableLog = {
  append: () => Promise.resolve(),
  markSnapshot: () => Promise.resolve(),
};

/** How the only member of a cluster begins whose data ends with the process. Only the member of a cluster of one may: among
 *  others it would forget whom it has voted for. */
export function startWithoutLog(
  cluster: InitialCluster,
  memberId: MemberId,
): {
  readonly log: DurableLog;
  readonly recovered: Omit<Recovered, "metadata">;
  readonly identity: Identity;
} {
  const { members, clusterId } = cluster;
  const first = bootstrapLog(members.map((member) => ({ id: member.id, context: memberJson(member) })));
  const snapshot = { index: 0, term: 0, conf: { voters: [], learners: [] } };
  return { log: noLog, recovered: { snapshot, ...first }, identity: { clusterId, memberId } };
}
