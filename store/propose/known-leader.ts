import type { Clock } from "../../base/os/clock.ts";
import type { Consensus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { MemberId } from "../raft/types.ts";

interface Parts {
  readonly consensus: Pick<Consensus, "status" | "onLeadership">;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
}

/** Whoever leads, as soon as somebody does. Rejects with NO_LEADER once `untilMs` has come. */
export async function knownLeader(parts: Parts, untilMs: number): Promise<MemberId> {
  for (;;) {
    const { leader } = parts.consensus.status;
    if (leader !== 0n) return leader;
    await leaderChange(parts, untilMs, leader);
  }
}

/** Resolves when the leader is another than `before`. Rejects with NO_LEADER once `untilMs` has come. */
export function leaderChange({ consensus, clock }: Parts, untilMs: number, before: MemberId): Promise<void> {
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
