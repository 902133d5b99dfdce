import type { Log } from "../base/os/log.ts";
import type { MemberParts } from "./rpc/member.ts";

/** Gives leadership to the voter whose connection has stood longest, so that a cluster is not without a leader for an election
 *  timeout because one of its members stops in good order. Resolves when that is done, or cannot be. */
export async function handOverLeadership(
  { consensus, members, memberId }: Pick<MemberParts, "consensus" | "members" | "memberId">,
  log: Log,
): Promise<void> {
  if (consensus.status.leader !== memberId) return;
  const others = members.all().filter(({ id, isLearner }) => id !== memberId && !isLearner);
  if (others.length === 0) {
    log.info("skipped leadership transfer for single voting member cluster", { "local-member-id": memberId });
    return;
  }
  const [to] = others
    .map(({ id }) => ({ id, forMs: members.connectedForMs(id) }))
    .filter(({ forMs }) => forMs > 0)
    .sort((a, b) => b.forMs - a.forMs);
  if (to === undefined) {
    log.warn("leadership transfer failed: no other voter is connected", { "local-member-id": memberId });
    return;
  }
  const fields = { "local-member-id": memberId, "transferee-member-id": to.id };
  log.info("leadership transfer starting", fields);
  try {
    await consensus.transferLeadership(to.id);
    log.info("leadership transfer finished", fields);
  } catch (error) {
    log.warn("leadership transfer failed", { ...fields, error });
  }
}
