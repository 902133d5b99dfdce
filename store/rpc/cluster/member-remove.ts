import type { MemberRemoveRequest, MembersResponse } from "../../../proto/etcd-cluster.ts";
import { StoreError } from "../../errors.ts";
import { checkRemove } from "../../membership/change-checks.ts";
import { leaderChange } from "../../propose/known-leader.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer, viewOf } from "./answers.ts";

/** A leader that is to go hands over first and takes no such change, which is then proposed to the next one. */
export async function memberRemove(
  request: MemberRemoveRequest,
  parts: MemberParts,
): Promise<MembersResponse> {
  checkRemove(request.id, viewOf(parts));
  const context = new Uint8Array(0);
  const untilMs = parts.clock.monotonicMs() + parts.proposer.requestTimeoutMs;
  for (;;) {
    const { leader, term } = parts.consensus.status;
    try {
      await parts.proposer.proposeConfChange({ type: "removeNode", nodeId: request.id, context });
      return membersAnswer(parts);
    } catch (error) {
      const isHandingOver = error instanceof StoreError && error.code === "PROPOSAL_DROPPED";
      if (!isHandingOver || leader !== request.id) throw error;
      await leaderChange(parts, untilMs, { leader, term }).catch(() => Promise.reject(error));
    }
  }
}
