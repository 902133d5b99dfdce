import type { Clock } from "../../base/os/clock.ts";
import { StoreError } from "../errors.ts";
import type { KeyValueHash } from "../mvcc/hash.ts";
import type { MemberId } from "../raft/types.ts";
import { hashWithinMs, type PeerHashParts, peerHashes } from "./peer-hashes.ts";

export interface InitialCheckParts extends PeerHashParts {
  /** Of this member's data, at its newest revision. */
  readonly hashNow: () => Promise<KeyValueHash>;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly requestTimeoutMs: number;
}

/** This member's data is not what the others have. */
export class DataInconsistencyError extends Error {
  override readonly name = "DataInconsistencyError";
  readonly operator = true;

  constructor(id: MemberId, peers: readonly MemberId[]) {
    const named = peers.map((peer) => peer.toString(16)).join(", ");
    super(
      `${id.toString(16)} found data inconsistency with peers (${named}); ` +
        "find out which members agree, then remove each other one and add it again with an empty --data-dir",
    );
  }
}

/** etcd's initial corruption check, before anybody is served: hashes at the same revision and the same compact revision must
 *  be equal on all members that answer. Rejects with a DataInconsistencyError. */
export async function initialCheck(parts: InitialCheckParts): Promise<void> {
  const { memberId, log, clock } = parts;
  const self = { "local-member-id": memberId };
  log.info("starting initial corruption check", self);
  const startMs = clock.monotonicMs();
  const own = await parts.hashNow();
  const withinMs = hashWithinMs(clock.monotonicMs() - startMs, parts.requestTimeoutMs);
  const local = {
    ...self,
    "local-member-revision": own.hashRevision,
    "local-member-compact-revision": own.compactRevision,
    "local-member-hash": own.hash,
  };
  const differing: MemberId[] = [];
  for (const { id, found, error } of await peerHashes(
    { kind: "hashKv", revision: own.hashRevision, withinMs },
    parts,
  )) {
    const peer = { ...local, "remote-peer-id": id };
    if (found === undefined) {
      const reason = knownReason(error);
      if (reason !== undefined) log.warn(reason, { ...peer, error });
    } else if (found.hash !== own.hash) {
      const isComparable = found.compactRevision === own.compactRevision;
      log.warn(`found different ${isComparable ? "hash" : "compact revision"} values from remote peer`, {
        ...peer,
        "remote-peer-compact-revision": found.compactRevision,
        "remote-peer-hash": found.hash,
      });
      if (isComparable) differing.push(id);
    }
  }
  if (differing.length > 0) throw new DataInconsistencyError(memberId, differing);
  log.info("initial corruption checking passed; no corruption", self);
}

function knownReason(error: unknown): string | undefined {
  const code = error instanceof StoreError ? error.code : undefined;
  if (code === "FUTURE_REVISION") return "cannot fetch hash from slow remote peer";
  if (code === "COMPACTED") return "cannot fetch hash from remote peer; local member is behind";
  return undefined;
}
