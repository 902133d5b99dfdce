import type { MemberAddRequest, MemberAddResponse } from "../../../proto/etcd-cluster.ts";
import { StoreError } from "../../errors.ts";
import { checkAdd } from "../../membership/change-checks.ts";
import { checkMemberUrl } from "../../membership/initial-cluster.ts";
import { type Member, memberIdOf, memberJson } from "../../membership/member.ts";
import type { Call } from "../handler.ts";
import type { MemberParts } from "../member.ts";
import { clusterHeader, viewOf, wireMembers } from "./answers.ts";

export async function memberAdd(
  request: MemberAddRequest,
  call: Call,
  parts: MemberParts,
): Promise<MemberAddResponse> {
  const peerUrls = peerUrlsOf(request.peerUrls);
  await parts.access.requireRoot(call);
  const { isLearner } = request;
  const id = memberIdOf(peerUrls, "", Math.floor(parts.clock.wallMs() / 1000));
  const member: Member = { id, name: "", peerUrls, clientUrls: [], isLearner };
  checkAdd(member, viewOf(parts));
  const type = isLearner ? "addLearner" : "addNode";
  await parts.proposer.proposeConfChange({ type, nodeId: id, context: memberJson(member) });
  const members = wireMembers(parts.members.all());
  return { header: clusterHeader(parts), member: { ...member }, members };
}

/** Sorted, as they enter the id. Throws MEMBER_BAD_URLS. */
export function peerUrlsOf(urls: readonly string[]): string[] {
  if (urls.length === 0) throw new StoreError("MEMBER_BAD_URLS");
  try {
    return urls.map(checkMemberUrl).sort();
  } catch (error) {
    throw new StoreError("MEMBER_BAD_URLS", { reason: error });
  }
}
