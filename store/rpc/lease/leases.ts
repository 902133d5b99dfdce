import type { Of } from "../../../base/protobuf.ts";
import type { leaseLeasesResponse } from "../../../proto/etcd.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

export function leaseLeases(parts: MemberParts): Of<typeof leaseLeasesResponse> {
  return { header: header(parts), leases: parts.leases.ids().map((id) => ({ id })) };
}
