import type { MoveLeaderRequest } from "../../../proto/etcd-maintenance.ts";
import { StoreError } from "../../errors.ts";
import type { MemberParts } from "../member.ts";

/** Answered without a header, as by etcd. */
export async function moveLeader(
  request: MoveLeaderRequest,
  parts: MemberParts,
): Promise<Record<string, never>> {
  if (parts.consensus.status.leader !== parts.memberId) throw new StoreError("NOT_LEADER");
  const target = parts.members.all().find((member) => member.id === request.targetId);
  if (target === undefined || target.isLearner) throw new StoreError("BAD_LEADER_TRANSFEREE");
  await parts.consensus.transferLeadership(request.targetId);
  return {};
}
