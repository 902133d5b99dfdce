import { leaseKeepAliveRequest, leaseKeepAliveResponse } from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import type { Call, Incoming, Outgoing } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Answers renewals one after the other in the order they came, as etcd does. */
export function leaseKeepAlive(out: Outgoing, call: Call, parts: MemberParts): Incoming {
  return {
    async message(bytes) {
      const { id } = leaseKeepAliveRequest.decode(bytes);
      // The header is made first, so that its revision is not newer than the moment of renewal.
      const made = header(parts);
      const ttl = await renewed(id, call, parts);
      out.send(leaseKeepAliveResponse.encode({ header: made, id, ttl }));
    },
    halfClose: () => out.end(),
    drained: () => undefined,
    closed: () => undefined,
  };
}

/** Who keeps a lease alive keeps its keys, and must be allowed to write them. */
async function renewed(id: bigint, call: Call, parts: MemberParts): Promise<number> {
  const { access } = parts;
  const who = access.isOn ? await access.requireUser(call) : undefined;
  const check = who && (() => access.rights.writeKeysOf(id, who));
  try {
    return await parts.leases.renew(id, check);
  } catch (error) {
    if (error instanceof StoreError && error.code === "LEASE_NOT_FOUND") return 0;
    throw error;
  }
}
