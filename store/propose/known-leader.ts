import type { Clock } from "../../base/os/clock.ts";
import type { Consensus, ConsensusStatus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { MemberId } from "../raft/types.ts";

interface Parts {
  readonly consensus: Pick<Consensus, "status" | "onLeadership">;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
}

/** Whoever leads, as soon as somebody does. Rejects with NO_LEADER once `untilMs` has come. */
export async function knownLeader(parts: Parts, untilMs: number): Promise<MemberId> {
  for (;;) {
    const { leader, term } = parts.consensus.status;
    if (leader !== 0n) return leader;
    await leaderChange(parts, untilMs, { leader, term });
  }
}

/** Resolves when another leads than `before`, or the same in a later term, as who lost the lead may have won it again. Rejects with
 *  NO_LEADER once `untilMs` has come. */
export function leaderChange(
  { consensus, clock }: Parts,
  untilMs: number,
  before: Pick<ConsensusStatus, "leader" | "term">,
): Promise<void> {
  const isSame = ({ leader, term }: typeof before) => leader === before.leader && term === before.term;
  if (!isSame(consensus.status)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const over = () => {
      stopTimer();
      stopListening();
    };
    const stopTimer = clock.after(Math.max(0, untilMs - clock.monotonicMs()), () => {
      over();
      reject(new StoreError("NO_LEADER"));
    });
    const stopListening = consensus.onLeadership((status) => {
      if (isSame(status)) return;
      over();
      resolve();
    });
  });
}
