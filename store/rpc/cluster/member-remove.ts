import type { MemberRemoveRequest, MembersResponse } from "../../../proto/etcd-cluster.ts";
import { checkRemove } from "../../membership/change-checks.ts";
import type { MemberParts } from "../member.ts";
import { membersAnswer, viewOf } from "./answers.ts";

export async function memberRemove(
  request: MemberRemoveRequest,
  parts: MemberParts,
): Promise<MembersResponse> {
  checkRemove(request.id, viewOf(parts));
  const context = new Uint8Array(0);
  await parts.proposer.proposeConfChange({ type: "removeNode", nodeId: request.id, context });
  return membersAnswer(parts);
}
