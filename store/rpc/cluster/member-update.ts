import type { MembersResponse, MemberUpdateRequest } from "../../../proto/etcd-cluster.ts";
import { StoreError } from "../../errors.ts";
import { checkUpdate } from "../../membership/change-checks.ts";
import { memberJson } from "../../membership/member.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer, viewOf } from "./answers.ts";
import { peerUrlsOf } from "./member-add.ts";

export async function memberUpdate(
  request: MemberUpdateRequest,
  parts: MemberParts,
): Promise<MembersResponse> {
  const peerUrls = peerUrlsOf(request.peerUrls);
  checkUpdate(request.id, peerUrls, viewOf(parts));
  const member = parts.members.all().find((known) => known.id === request.id);
  if (member === undefined) throw new StoreError("MEMBER_NOT_FOUND");
  const context = memberJson({ ...member, peerUrls });
  await parts.proposer.proposeConfChange({ type: "updateNode", nodeId: request.id, context });
  return membersAnswer(parts);
}
