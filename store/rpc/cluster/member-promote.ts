import type { MemberPromoteRequest, MembersResponse } from "../../../proto/etcd-cluster.ts";
import { StoreError } from "../../errors.ts";
import { checkPromote } from "../../membership/change-checks.ts";
import { memberJson } from "../../membership/member.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer, viewOf } from "./answers.ts";

/** Only the leader knows how far a learner is, so only it promotes. */
export async function memberPromote(
  request: MemberPromoteRequest,
  parts: MemberParts,
): Promise<MembersResponse> {
  const { leader } = parts.consensus.status;
  if (leader !== parts.memberId) throw new StoreError(leader === 0n ? "NO_LEADER" : "NOT_LEADER");
  try {
    await promote(request, parts);
  } catch (error) {
    parts.metrics.learnerNotPromoted(error instanceof Error ? error.message : String(error));
    throw error;
  }
  parts.metrics.learnerPromoted();
  return membersAnswer(parts);
}

async function promote(request: MemberPromoteRequest, parts: MemberParts): Promise<void> {
  const { progress, lastIndex } = parts.consensus.status;
  const match = progress.find((peer) => peer.id === request.id)?.match ?? 0;
  const learner = checkPromote(request.id, match / Math.max(1, lastIndex), viewOf(parts));
  const context = memberJson({ ...learner, isLearner: false }, { isPromote: true });
  await parts.proposer.proposeConfChange({ type: "addNode", nodeId: request.id, context });
}
