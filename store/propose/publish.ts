import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { describeError } from "../../base/os/log.ts";
import type { MemberId } from "../raft/types.ts";
import type { Proposer } from "./proposer.ts";

const againAfterMs = 500;

/** Tells the cluster this member's name and client URLs, as often as it takes. Rejects when aborted. */
export async function publish(
  self: { readonly memberId: MemberId; readonly name: string; readonly clientUrls: readonly string[] },
  parts: { readonly proposer: Pick<Proposer, "propose">; readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { memberId, name, clientUrls } = self;
  for (;;) {
    signal.throwIfAborted();
    try {
      const memberAttributes = { name, clientUrls };
      await parts.proposer.propose("clusterMemberAttrSet", { memberId, memberAttributes });
      parts.log.info("published local member to cluster through raft", { "local-member-id": memberId });
      return;
    } catch (error) {
      parts.log.warn("failed to publish local member to cluster through raft", {
        error: describeError(error),
      });
    }
    await sleep(parts.clock, againAfterMs, signal);
  }
}
