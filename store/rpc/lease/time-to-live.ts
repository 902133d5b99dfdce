import type { Of } from "../../../base/protobuf.ts";
import type { leaseTimeToLiveRequest, leaseTimeToLiveResponse } from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** The keys of a lease are told only to who may read them all. */
export async function leaseTimeToLive(
  request: Of<typeof leaseTimeToLiveRequest>,
  { parts, call }: { readonly parts: MemberParts; readonly call: Call },
): Promise<Of<typeof leaseTimeToLiveResponse>> {
  const { id } = request;
  const { access } = parts;
  const who = await access.requireUser(call);
  const { revision } = parts.auth.state;
  if (who !== undefined && request.keys) access.rights.readKeysOf(id, who);
  try {
    const { ttlSeconds, grantedTtlSeconds, keys } = await parts.leases.timeToLive(id, request.keys);
    if (request.keys && access.isOn && revision !== parts.auth.state.revision)
      throw new StoreError("AUTH_OLD_REVISION");
    return { header: header(parts), id, ttl: ttlSeconds, grantedTtl: grantedTtlSeconds, keys };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "LEASE_NOT_FOUND") throw error;
    return { header: header(parts), id, ttl: -1, grantedTtl: 0, keys: [] };
  }
}
