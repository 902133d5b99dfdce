import {
  type MemberPromoteRequest,
  type MembersResponse,
  membersResponse,
} from "../../../proto/etcd-cluster.ts";
import { StoreError } from "../../errors.ts";
import { checkPromote } from "../../membership/change-checks.ts";
import { memberJson } from "../../membership/member.ts";
import { knownLeader, leaderChange } from "../../propose/known-leader.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer, viewOf } from "./answers.ts";

/** Only the leader knows how far a learner is, so another member asks it, and waits for one as long as a request may take. It asks
 *  anew only where the one that it took for the leader was none any more. Rejects with NO_LEADER, and what the leader answers. */
export async function memberPromote(
  request: MemberPromoteRequest,
  parts: MemberParts,
): Promise<MembersResponse> {
  const untilMs = parts.clock.monotonicMs() + parts.proposer.requestTimeoutMs;
  for (;;) {
    const leader = await knownLeader(parts, untilMs);
    const { term } = parts.consensus.status;
    if (leader === parts.memberId) return promoteAsLeader(request.id, parts);
    try {
      const withinMs = untilMs - parts.clock.monotonicMs();
      const answer = await parts.ask(leader, "promote", BigInt.asIntN(64, request.id), withinMs);
      return { header: header(parts), members: membersResponse.decode(answer).members };
    } catch (error) {
      const isOutdated = error instanceof StoreError && error.code === "NOT_LEADER";
      if (!isOutdated) throw error;
      await leaderChange(parts, untilMs, { leader, term });
    }
  }
}

/** Rejects with NOT_LEADER on all others. */
export async function promoteAsLeader(id: bigint, parts: MemberParts): Promise<MembersResponse> {
  if (parts.consensus.status.leader !== parts.memberId) throw new StoreError("NOT_LEADER");
  try {
    await promote(id, parts);
  } catch (error) {
    parts.metrics.learnerNotPromoted(error instanceof Error ? error.message : String(error));
    throw error;
  }
  parts.metrics.learnerPromoted();
  return membersAnswer(parts);
}

async function promote(id: bigint, parts: MemberParts): Promise<void> {
  const { progress, lastIndex } = parts.consensus.status;
  const match = progress.find((peer) => peer.id === id)?.match ?? 0;
  const learner = checkPromote(id, match / Math.max(1, lastIndex), viewOf(parts));
  const context = memberJson({ ...learner, isLearner: false }, { isPromote: true });
  await parts.proposer.proposeConfChange({ type: "addNode", nodeId: id, context });
}
