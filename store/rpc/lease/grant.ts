import type { LeaseGrantRequest, LeaseGrantResponse } from "../../../proto/etcd.ts";
import { leaseBytes } from "../../apply/quota.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { refuseBeyondQuota } from "../refuse-beyond-quota.ts";

export async function leaseGrant(
  request: LeaseGrantRequest,
  bytes: Uint8Array,
  { parts, call }: { readonly parts: MemberParts; readonly call: Call },
): Promise<LeaseGrantResponse> {
  if (!parts.quota.allows(leaseBytes)) await refuseBeyondQuota(parts);
  const by = parts.access.isOn ? await parts.access.requireUser(call) : undefined;
  // All members must give the lease the same id, so it is chosen before the request enters the log.
  const body = request.id === 0n ? { ...request, id: newLeaseId(parts) } : bytes;
  const { response, revision } = await parts.proposer.propose("leaseGrant", body, { by });
  return { ...(response as LeaseGrantResponse), header: header(parts, revision) };
}

/** Positive as a signed number, never 0. */
function newLeaseId(parts: MemberParts): bigint {
  const id = BigInt.asUintN(63, parts.proposer.nextId());
  return id === 0n ? 1n : id;
}
