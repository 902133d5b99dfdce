import { clampedToSafe } from "../base/wire.ts";
import { membersResponse } from "../proto/etcd-cluster.ts";
import { hashKvResponse } from "../proto/etcd-maintenance.ts";
import type { State } from "./apply/state.ts";
import { AskedHashes } from "./corruption/asked-hashes.ts";
import { StoreError } from "./errors.ts";
import type { LeaseDesk } from "./propose/lease-desk.ts";
import { membersAnswer } from "./rpc/cluster/answers.ts";
import { promoteAsLeader } from "./rpc/cluster/member-promote.ts";
import { header } from "./rpc/header.ts";
import type { MemberParts } from "./rpc/member.ts";
import { memberVersions } from "./transport/peer/versions.ts";

/** What a member answers another one: who the members are, which version it is, what its data hashes to, and, as the leader, how
 *  long leases live; and the leader promotes a learner for it. Rejects with StoreError. */
export function peerAnswers(
  parts: MemberParts,
  { state, leases }: { readonly state: State; readonly leases: LeaseDesk },
): (kind: string, id: bigint) => Promise<Uint8Array> {
  const hashes = new AskedHashes((revision) => state.hashHistory(revision));
  return async (kind, id) => {
    switch (kind) {
      case "members":
        return membersResponse.encode(membersAnswer(parts));
      case "version":
        return memberVersions.encode({
          server: parts.maintenance.version,
          cluster: parts.members.clusterVersion,
          downgradeTarget: parts.members.downgrade.targetVersion,
        });
      case "hashKv": {
        const hash = await hashes.at(clampedToSafe(id));
        return hashKvResponse.encode({ header: header(parts), ...hash });
      }
      case "compactionHash": {
        const hash = state.mvcc.compactionHashes.at(clampedToSafe(id));
        return hash === undefined
          ? new Uint8Array(0)
          : hashKvResponse.encode({ header: header(parts), ...hash });
      }
      case "promote":
        return membersResponse.encode(await promoteAsLeader(BigInt.asUintN(64, id), parts));
      case "renew":
      case "timeToLive":
      case "timeToLive.keys":
        return leases.answer(kind, id);
      default:
        // A later version may ask more.
        throw new StoreError("UNKNOWN_METHOD");
    }
  };
}
