import type { RangeRequest, RangeResponse } from "../../../proto/etcd.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { checkRange } from "./checks.ts";

export async function range(request: RangeRequest, parts: MemberParts): Promise<RangeResponse> {
  checkRange(request);
  if (!request.serializable) await parts.reads.ready();
  const response = parts.state.range(request);
  return { ...response, header: header(parts, response.header?.revision) };
}
