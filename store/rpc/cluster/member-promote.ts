import {
  type MemberPromoteRequest,
  type MembersResponse,
  membersResponse,
} from "../../../proto/etcd-cluster.ts";
import { StoreError } from "../../errors.ts";
import { checkPromote } from "../../membership/change-checks.ts";
import { memberJson } from "../../membership/member.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer, viewOf } from "./answers.ts";

type Deciding = Pick<MemberParts, "consensus" | "memberId" | "clock" | "proposer">;

/** Only the leader knows how far a learner is, so another member asks it, and waits for one as long as a request may take. It asks
 *  anew only where the one that it took for the leader was none any more. Rejects with NO_LEADER, and what the leader answers. */
export async function memberPromote(
  request: MemberPromoteRequest,
  parts: MemberParts,
): Promise<MembersResponse> {
  const untilMs = parts.clock.monotonicMs() + parts.proposer.requestTimeoutMs;
  for (;;) {
    const leader = await someLeader(parts, untilMs);
    if (leader === parts.memberId) return promoteAsLeader(request.id, parts);
    try {
      const answer = await parts.ask(leader, "promote", BigInt.asIntN(64, request.id));
      return { header: header(parts), members: membersResponse.decode(answer).members };
    } catch (error) {
      const isOutdated = error instanceof StoreError && error.code === "NOT_LEADER";
      if (!isOutdated) throw error;
      await leaderChange(parts, untilMs, leader);
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

async function someLeader(parts: Deciding, untilMs: number): Promise<bigint> {
  for (;;) {
    const { leader } = parts.consensus.status;
    if (leader !== 0n) return leader;
    await leaderChange(parts, untilMs, leader);
  }
}

/** Resolves when the leader is another than `before`. Rejects with NO_LEADER when the time is over. */
function leaderChange({ consensus, clock }: Deciding, untilMs: number, before: bigint): Promise<void> {
  if (consensus.status.leader !== before) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const over = () => {
      stopTimer();
      stopListening();
    };
    const stopTimer = clock.after(Math.max(0, untilMs - clock.monotonicMs()), () => {
      over();
      reject(new StoreError("NO_LEADER"));
    });
    const stopListening = consensus.onLeadership(({ leader }) => {
      if (leader === before) return;
      over();
      resolve();
    });
  });
}
