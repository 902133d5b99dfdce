import { goDurationText } from "../../base/go-duration-text.ts";
import type { KeyValueHash } from "../mvcc/hash.ts";
import type { MemberId } from "../raft/types.ts";
import { accused, enter, nobodyKnowsWhose } from "./accused.ts";
import { type PeerHash, type PeerHashParts, peerHashes } from "./peer-hashes.ts";

export interface CompactionCheckParts extends PeerHashParts {
  /** What this member hashed while it compacted, the newest first. */
  readonly compactionHashes: () => readonly KeyValueHash[];
  readonly accuse: (members: readonly MemberId[]) => void;
  readonly requestTimeoutMs: number;
}

/** The leader compares what members hashed while they compacted: that costs nothing more, since compactions are entries of the
 *  log, and each member hashes what it has before it drops anything. */
export class CompactionCheck {
  readonly #parts: CompactionCheckParts;
  /** At this revision, and below, all members have the same. */
  #checkedRevision = 0;

  constructor(parts: CompactionCheckParts) {
    this.#parts = parts;
  }

  /** From the newest compaction on to older ones, until one is known of all members, or members differ. */
  async run(): Promise<void> {
    const { log, memberId, requestTimeoutMs: withinMs } = this.#parts;
    log.info("starting compact hash check", {
      "local-member-id": memberId,
      timeout: goDurationText(withinMs),
    });
    const unchecked = this.#parts
      .compactionHashes()
      .filter(({ hashRevision }) => hashRevision > this.#checkedRevision);
    let looked = 0;
    for (const own of unchecked) {
      looked++;
      const question = { kind: "compactionHash", revision: own.hashRevision, withinMs } as const;
      const peers = await peerHashes(question, this.#parts);
      if (peers.length > 0 && this.#isDecided(own, peers)) break;
    }
    log.info("finished compaction hash check", { "number-of-hashes-checked": looked });
  }

  /** Whether nothing is left to be learnt from older compactions. */
  #isDecided(own: KeyValueHash, peers: readonly PeerHash[]): boolean {
    const { memberId, log, accuse } = this.#parts;
    const groups = new Map<number, MemberId[]>([[own.hash, [memberId]]]);
    let checked = 0;
    for (const { id, found } of peers) {
      const skipped = reasonToSkip(own, found);
      if (skipped === undefined && found !== undefined) {
        checked++;
        enter(groups, found.hash, id);
      } else log.warn("Skipped peer's hash", { "leader-id": memberId, "peer-id": id, reason: skipped });
    }
    const place = { revision: own.hashRevision, "compact-revision": own.compactRevision };
    if (groups.size > 1) {
      const wrong = accused(groups, peers.length + 1);
      this.#tellMismatch(own, groups, wrong);
      accuse(wrong);
      return true;
    }
    const counts = { "number-of-peers-checked": checked, ...place };
    if (checked < peers.length) {
      log.warn("skipped revision in compaction hash check; was not able to check all peers", {
        ...counts,
        "number-of-peers": peers.length,
      });
      return false;
    }
    log.info("successfully checked hash on whole cluster", counts);
    this.#checkedRevision = own.hashRevision;
    return true;
  }

  #tellMismatch(
    own: KeyValueHash,
    groups: ReadonlyMap<number, readonly MemberId[]>,
    wrong: readonly MemberId[],
  ): void {
    const { memberId, log } = this.#parts;
    const leader = {
      "leader-id": memberId,
      "leader-revision": own.hashRevision,
      "leader-compact-revision": own.compactRevision,
      "leader-hash": own.hash,
    };
    const isKnown = wrong !== nobodyKnowsWhose;
    if (!isKnown)
      log.error(
        "Detected compaction hash mismatch but cannot identify the corrupted members, so intentionally set the memberID as 0",
        leader,
      );
    for (const [hash, ids] of groups)
      if (!isKnown || ids.some((id) => wrong.includes(id)))
        log.error("Detected compaction hash mismatch", {
          ...leader,
          "peer-hash": hash,
          "peer-ids": ids,
          "quorum-exist": isKnown,
        });
  }
}

function reasonToSkip(own: KeyValueHash, found: PeerHash["found"]): string | undefined {
  if (found === undefined) return "no response";
  return found.compactRevision === own.compactRevision
    ? undefined
    : `the peer's CompactRevision ${found.compactRevision} doesn't match leader's CompactRevision ${own.compactRevision}`;
}
