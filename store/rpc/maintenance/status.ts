import type { StatusResponse } from "../../../proto/etcd-maintenance.ts";
import { storeErrors } from "../../errors.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

export function status(parts: MemberParts): StatusResponse {
  const { leader, committed, applied, term } = parts.consensus.status;
  const { version } = parts.maintenance;
  const errors: string[] = leader === 0n ? [storeErrors.NO_LEADER.message] : [];
  for (const { memberId, alarm } of parts.alarms()) errors.push(alarmText(memberId, alarm));
  return {
    header: header(parts),
    version,
    dbSize: parts.state.sizeBytes,
    leader,
    raftIndex: committed,
    raftTerm: term,
    raftAppliedIndex: applied,
    errors,
    dbSizeInUse: parts.state.sizeInUseBytes,
    isLearner: parts.members.isLearner(),
    storageVersion: parts.members.clusterVersion, // what is stored follows what the cluster speaks
    dbSizeQuota: parts.quota.limitBytes,
    downgradeInfo: parts.members.downgrade,
  };
}

/** As protobuf's text format has it in one line, without what is zero. */
function alarmText(memberId: bigint, alarm: string | number): string {
  const fields = [memberId === 0n ? "" : `memberID:${memberId}`, alarm === "NONE" ? "" : `alarm:${alarm}`];
  return fields.filter((field) => field !== "").join(" ");
}
