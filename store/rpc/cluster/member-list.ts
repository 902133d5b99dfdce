import type { MemberListRequest, MembersResponse } from "../../../proto/etcd-cluster.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer } from "./answers.ts";

export async function memberList(request: MemberListRequest, parts: MemberParts): Promise<MembersResponse> {
  if (request.linearizable) await parts.reads.ready();
  return membersAnswer(parts);
}
