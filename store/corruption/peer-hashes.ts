import type { Log } from "../../base/os/log.ts";
import { type HashKvResponse, hashKvResponse } from "../../proto/etcd-maintenance.ts";
import type { Member } from "../membership/member.ts";
import type { MemberId } from "../raft/types.ts";

/** What one member asks another: for the hash of its history up to a revision as it is now ("hashKv"), or for what it hashed
 *  while it compacted there ("compactionHash"), which may be nothing any more, or not yet. */
export interface HashQuestion {
  readonly kind: "hashKv" | "compactionHash";
  readonly revision: number;
  readonly withinMs: number;
}

export interface PeerHash {
  readonly id: MemberId;
  /** Undefined: it has none, or did not answer. */
  readonly found: HashKvResponse | undefined;
  /** Why it did not answer. */
  readonly error?: unknown;
}

export interface PeerHashParts {
  readonly memberId: MemberId;
  readonly members: () => readonly Member[];
  /** Rejects where the member cannot be asked, and with the StoreError that it answered. */
  readonly ask: (member: Member, question: HashQuestion) => Promise<Uint8Array>;
  readonly log: Log;
}

/** Asks all other members at once. Never rejects. */
export function peerHashes(question: HashQuestion, parts: PeerHashParts): Promise<readonly PeerHash[]> {
  const { memberId, log } = parts;
  const others = parts.members().filter(({ id }) => id !== memberId);
  return Promise.all(
    others.map(async (member): Promise<PeerHash> => {
      const { id } = member;
      try {
        const found = hashKvResponse.decode(await parts.ask(member, question));
        return { id, found: found.hashRevision === question.revision ? found : undefined };
      } catch (error) {
        log.warn("failed hash kv request", {
          "local-member-id": memberId,
          "requested-revision": question.revision,
          "remote-peer-id": id,
          error,
        });
        return { id, found: undefined, error };
      }
    }),
  );
}

/** How long another member may take for a hash that took this one so long: at least as long as any request. */
export const hashWithinMs = (tookMs: number, requestTimeoutMs: number): number =>
  Math.max(requestTimeoutMs, 10 * tookMs);
