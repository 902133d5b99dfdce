import type { Clock } from "../../base/os/clock.ts";
import type { KeyValueHash } from "../mvcc/hash.ts";
import type { MemberId } from "../raft/types.ts";
import { accused, enter } from "./accused.ts";
import { hashWithinMs, type PeerHash, type PeerHashParts, peerHashes } from "./peer-hashes.ts";

export interface PeriodicCheckParts extends PeerHashParts {
  /** Of all that is stored, up to this member's newest revision. */
  readonly hashNow: () => Promise<KeyValueHash>;
  readonly state: { readonly revision: number; readonly compactRevision: number };
  /** Resolves when this member has applied whatever any member had when it was asked. */
  readonly caughtUp: () => Promise<void>;
  readonly accuse: (members: readonly MemberId[]) => void;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly requestTimeoutMs: number;
}

type Place = Pick<KeyValueHash, "hashRevision" | "compactRevision">;

/** The leader compares what all members store at its newest revision, and accuses those that have something else than a quorum;
 *  itself, too, and where what it reads is not the same twice. Rejects when it cannot tell. */
export async function periodicCheck(parts: PeriodicCheckParts): Promise<void> {
  const { clock, log, state } = parts;
  if (parts.members().length <= 1) return;
  const startMs = clock.monotonicMs();
  const own = await parts.hashNow();
  const withinMs = hashWithinMs(clock.monotonicMs() - startMs, parts.requestTimeoutMs);
  const peers = await peerHashes({ kind: "hashKv", revision: own.hashRevision, withinMs }, parts);
  await parts.caughtUp();
  const newest: Place = { hashRevision: state.revision, compactRevision: state.compactRevision };
  if (isSamePlace(own, newest)) await hashAgain(own, parts);
  const compared = comparison(own, { peers, newest }, parts);
  parts.accuse(accused(compared.groups, peers.length + 1));
  log.info("finished peer corruption check", { "number-of-peers-checked": compared.count });
}

const isSamePlace = (one: Place, other: Place) =>
  one.hashRevision === other.hashRevision && one.compactRevision === other.compactRevision;

async function hashAgain(own: KeyValueHash, { hashNow, accuse, memberId, log }: PeriodicCheckParts) {
  const again = await hashNow();
  if (!isSamePlace(own, again) || own.hash === again.hash) return;
  log.warn("found hash mismatch", {
    "revision-1": own.hashRevision,
    "compact-revision-1": own.compactRevision,
    "hash-1": own.hash,
    "revision-2": again.hashRevision,
    "compact-revision-2": again.compactRevision,
    "hash-2": again.hash,
  });
  accuse([memberId]);
}

/** Members by what they have: the leader's, another hash, or more than a leader's followers can have. */
function comparison(
  own: KeyValueHash,
  { peers, newest }: { readonly peers: readonly PeerHash[]; readonly newest: Place },
  { memberId, log }: PeriodicCheckParts,
) {
  const groups = new Map<number | "ahead", MemberId[]>([[own.hash, [memberId]]]);
  let count = 0;
  for (const { id, found } of peers) {
    if (found === undefined) continue;
    count++;
    const peer = { "follower-peer-id": id };
    const revision = found.header?.revision ?? 0;
    if (revision > newest.hashRevision) {
      log.warn("revision from follower must be less than or equal to leader's", {
        "leader-revision": newest.hashRevision,
        "follower-revision": revision,
        ...peer,
      });
      enter(groups, "ahead", id);
    } else if (found.compactRevision > newest.compactRevision) {
      log.warn("compact revision from follower must be less than or equal to leader's", {
        "leader-compact-revision": newest.compactRevision,
        "follower-compact-revision": found.compactRevision,
        ...peer,
      });
      enter(groups, "ahead", id);
    } else if (found.compactRevision === own.compactRevision) {
      if (found.hash !== own.hash)
        log.warn("same compact revision then hashes must match", {
          "leader-compact-revision": own.compactRevision,
          "leader-hash": own.hash,
          "follower-compact-revision": found.compactRevision,
          "follower-hash": found.hash,
          ...peer,
        });
      enter(groups, found.hash, id);
    }
  }
  return { groups, count };
}
