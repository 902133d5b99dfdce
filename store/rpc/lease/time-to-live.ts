import type { Of } from "../../../base/protobuf.ts";
import type { leaseTimeToLiveRequest, leaseTimeToLiveResponse } from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

export async function leaseTimeToLive(
  request: Of<typeof leaseTimeToLiveRequest>,
  parts: MemberParts,
): Promise<Of<typeof leaseTimeToLiveResponse>> {
  const { id } = request;
  try {
    const { ttlSeconds, grantedTtlSeconds, keys } = await parts.leases.timeToLive(id, request.keys);
    return { header: header(parts), id, ttl: ttlSeconds, grantedTtl: grantedTtlSeconds, keys };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "LEASE_NOT_FOUND") throw error;
    return { header: header(parts), id, ttl: -1, grantedTtl: 0, keys: [] };
  }
}
