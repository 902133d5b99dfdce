import type { Log } from "../base/os/log.ts";
import { type HashKvResponse, hashKvResponse } from "../proto/etcd-maintenance.ts";
import { StoreError } from "./errors.ts";
import type { Member } from "./membership/member.ts";
import type { MemberId } from "./raft/types.ts";

type Hash = Pick<HashKvResponse, "hash" | "compactRevision" | "hashRevision">;

export interface InitialCheckParts {
  readonly memberId: MemberId;
  readonly members: readonly Member[];
  /** Of this member's data, at its newest revision. */
  readonly hashKv: () => Promise<Hash>;
  /** Asks a member for its hash at a revision; rejects when it has none or cannot be asked. */
  readonly ask: (member: Member, revision: number) => Promise<Uint8Array>;
  readonly log: Log;
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
  const { memberId, log } = parts;
  const own = await parts.hashKv();
  log.info("starting initial corruption check", { "local-member-id": memberId, revision: own.hashRevision });
  const others = parts.members.filter((member) => member.id !== memberId);
  const differing = await Promise.all(
    others.map(async (member) => {
      const peer = { "remote-peer-id": member.id };
      try {
        const theirs = hashKvResponse.decode(await parts.ask(member, own.hashRevision));
        if (theirs.hash === own.hash) return [];
        if (theirs.compactRevision !== own.compactRevision) {
          log.warn("found different compact revision values from remote peer", peer);
          return [];
        }
        log.warn("found different hash values from remote peer", {
          ...peer,
          hash: own.hash,
          theirs: theirs.hash,
        });
        return [member.id];
      } catch (error) {
        log.warn(reasonOf(error), { ...peer, error });
        return [];
      }
    }),
  );
  const found = differing.flat();
  if (found.length > 0) throw new DataInconsistencyError(memberId, found);
  log.info("initial corruption checking passed; no corruption", { "local-member-id": memberId });
}

function reasonOf(error: unknown): string {
  const code = error instanceof StoreError ? error.code : undefined;
  if (code === "FUTURE_REVISION") return "cannot fetch hash from slow remote peer";
  if (code === "COMPACTED") return "cannot fetch hash from remote peer; local member is behind";
  return "cannot fetch hash from remote peer";
}
