import { leaseKeepAliveRequest, leaseKeepAliveResponse } from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import type { Incoming, Outgoing } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Answers renewals one after the other in the order they came, as etcd does. */
export function leaseKeepAlive(out: Outgoing, parts: MemberParts): Incoming {
  return {
    async message(bytes) {
      const { id } = leaseKeepAliveRequest.decode(bytes);
      // The header is made first, so that its revision is not newer than the moment of renewal.
      const made = header(parts);
      const ttl = await renewed(id, parts);
      out.send(leaseKeepAliveResponse.encode({ header: made, id, ttl }));
    },
    halfClose: () => out.end(),
    drained: () => undefined,
    closed: () => undefined,
  };
}

async function renewed(id: bigint, parts: MemberParts): Promise<number> {
  try {
    return await parts.leases.renew(id);
  } catch (error) {
    if (error instanceof StoreError && error.code === "LEASE_NOT_FOUND") return 0;
    throw error;
  }
}
