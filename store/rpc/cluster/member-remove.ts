import type { MemberRemoveRequest, MembersResponse } from "../../../proto/etcd-cluster.ts";
import { StoreError, type StoreErrorCode } from "../../errors.ts";
import { checkRemove } from "../../membership/change-checks.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer, viewOf } from "./answers.ts";

/** Between two tries to propose to the next leader. */
const retryMs = 20;
/** What says for certain that a change is not taken, by the leader of that time. */
const notTaken: readonly (StoreErrorCode | undefined)[] = [
  "PROPOSAL_DROPPED",
  "TOO_MANY_REQUESTS",
  "LEADER_CHANGED",
];

/** A leader that is to go hands over first and takes no such change, nor does the next one before it has applied all it came with;
 *  so it is proposed again until then, for as long as a request may take. */
export async function memberRemove(
  request: MemberRemoveRequest,
  parts: MemberParts,
): Promise<MembersResponse> {
  const { consensus, clock, proposer } = parts;
  checkRemove(request.id, viewOf(parts));
  const context = new Uint8Array(0);
  const untilMs = clock.monotonicMs() + proposer.requestTimeoutMs;
  for (let isHandedOver = false; ; ) {
    const { leader } = consensus.status;
    try {
      await proposer.proposeConfChange({ type: "removeNode", nodeId: request.id, context });
      return membersAnswer(parts);
    } catch (error) {
      const code = error instanceof StoreError ? error.code : undefined;
      const isLeader = leader === request.id || consensus.status.leader === request.id;
      if (isLeader && (code === "PROPOSAL_DROPPED" || code === "LEADER_CHANGED")) isHandedOver = true;
      if (!isHandedOver || !notTaken.includes(code) || clock.monotonicMs() >= untilMs) throw error;
      await new Promise<void>((resolve) => clock.after(retryMs, resolve));
    }
  }
}
