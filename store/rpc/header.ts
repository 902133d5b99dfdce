import type { ResponseHeader } from "../../proto/etcd.ts";
import type { MemberParts } from "./member.ts";

type HeaderParts = Pick<MemberParts, "clusterId" | "memberId" | "consensus" | "state">;

/** Who answers, and the store's revision at that moment unless one is given. */
export function header(parts: HeaderParts, revision: number = parts.state.revision): ResponseHeader {
  const { clusterId, memberId } = parts;
  return { clusterId, memberId, revision, raftTerm: parts.consensus.status.term };
}
