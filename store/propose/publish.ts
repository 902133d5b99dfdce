import { failpoint } from "../../base/failpoints/failpoint.ts";
import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { describeError } from "../../base/os/log.ts";
import { StoreError } from "../errors.ts";
import type { MemberId } from "../raft/types.ts";
import type { LinearizableReads } from "./linearizable-reads.ts";
import type { Proposer } from "./proposer.ts";

const beforePublishing = failpoint("beforePublishing");
const againAfterMs = 500;

/** Tells the cluster this member's name and client URLs, as often as it takes: saying it twice does no harm. Has applied all that
 *  was committed when it began. Rejects when aborted. */
export async function publish(
  self: { readonly memberId: MemberId; readonly name: string; readonly clientUrls: readonly string[] },
  parts: {
    readonly proposer: Pick<Proposer, "propose">;
    readonly reads: Pick<LinearizableReads, "ready">;
    readonly clock: Clock;
    readonly log: Log;
    /** How long one attempt may take: a proposal lost on its way to the leader is never answered. */
    readonly attemptMs: number;
  },
  signal: AbortSignal,
): Promise<void> {
  const { memberId, name, clientUrls } = self;
  const { clock, log } = parts;
  const attempt = async (late: Promise<never>) => {
    // Its answer tells that the leader hears us: until then a proposal would only be lost on its way.
    await Promise.race([parts.reads.ready(), late]);
    const memberAttributes = { name, clientUrls };
    await Promise.race([
      parts.proposer.propose("clusterMemberAttrSet", { memberId, memberAttributes }),
      late,
    ]);
  };
  if (beforePublishing.armed) await beforePublishing.pass();
  for (;;) {
    const over = new AbortController();
    const late = tooLate(sleep(clock, parts.attemptMs, AbortSignal.any([signal, over.signal])));
    late.catch(() => undefined); // it may lose the race, or end with the attempt
    try {
      await attempt(late);
      log.info("published local member to cluster through raft", { "local-member-id": memberId });
      return;
    } catch (error) {
      signal.throwIfAborted();
      log.warn("failed to publish local member to cluster through raft", { error: describeError(error) });
    } finally {
      over.abort();
    }
    await sleep(clock, againAfterMs, signal);
  }
}

async function tooLate(elapsed: Promise<void>): Promise<never> {
  await elapsed;
  throw new StoreError("TIMEOUT");
}
