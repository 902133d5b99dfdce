import type { MemberListRequest, MembersResponse } from "../../../proto/etcd-cluster.ts";
import type { Call } from "../handler.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer } from "./answers.ts";

export async function memberList(
  request: MemberListRequest,
  call: Call,
  parts: MemberParts,
): Promise<MembersResponse> {
  if (request.linearizable) await parts.reads.ready();
  await parts.access.requireUser(call);
  return membersAnswer(parts);
}
