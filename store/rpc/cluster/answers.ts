import type { ResponseHeader } from "../../../proto/etcd.ts";
import type { MembersResponse, WireMember } from "../../../proto/etcd-cluster.ts";
import type { ClusterView } from "../../membership/change-checks.ts";
import type { Member } from "../../membership/member.ts";
import type { MemberParts } from "../member.ts";

/** etcd's cluster service leaves the revision out of its headers. */
export function clusterHeader(parts: MemberParts): ResponseHeader {
  const { clusterId, memberId } = parts;
  return { clusterId, memberId, revision: 0, raftTerm: parts.consensus.status.term };
}

export function wireMembers(members: readonly Member[]): WireMember[] {
  return members.map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
    id,
    name,
    peerUrls,
    clientUrls,
    isLearner,
  }));
}

export function membersAnswer(parts: MemberParts): MembersResponse {
  return { header: clusterHeader(parts), members: wireMembers(parts.members.all()) };
}

export function viewOf(parts: MemberParts): ClusterView {
  const { strictReconfigCheck: strict, maxLearners } = parts.limits;
  const connectedForMs = (id: bigint) => parts.members.connectedForMs(id);
  return { self: parts.memberId, members: parts.members.all(), connectedForMs, strict, maxLearners };
}
