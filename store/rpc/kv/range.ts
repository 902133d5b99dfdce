import type { Encodable } from "../../../base/protobuf.ts";
import type { RangeRequest, RangeResponse } from "../../../proto/etcd.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { checkRange } from "./checks.ts";

export async function range(request: RangeRequest, parts: MemberParts): Promise<Encodable<RangeResponse>> {
  checkRange(request);
  if (!request.serializable) await parts.reads.ready();
  const answer = await parts.state.storedRange(request);
  return { ...answer, header: header(parts, answer.header.revision) };
}
