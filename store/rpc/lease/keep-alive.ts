import { leaseKeepAliveRequest, leaseKeepAliveResponse } from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import type { Incoming, Outgoing } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Renewals that one stream may have under way; more wait in the order they came. */
const waitingMax = 10_000;

/** Answers renewals one after the other in the order they came, as etcd does. */
export function leaseKeepAlive(out: Outgoing, parts: MemberParts): Incoming {
  const waiting: bigint[] = [];
  let busy = false;
  let halfClosed = false;
  let over = false;
  const fail = (error: unknown) => {
    over = true;
    out.end(error instanceof Error ? error : new Error(String(error)));
  };
  const work = async () => {
    busy = true;
    for (let id = waiting.shift(); id !== undefined && !over; id = waiting.shift()) {
      // The header is made first, so that its revision is not newer than the moment of renewal.
      const made = header(parts);
      const ttl = await renewed(id, parts);
      if (!over) out.send(leaseKeepAliveResponse.encode({ header: made, id, ttl }));
    }
    busy = false;
    if (halfClosed && !over) out.end();
  };
  return {
    message(bytes) {
      if (over) return;
      if (waiting.length >= waitingMax) {
        fail(new StoreError("TOO_MANY_REQUESTS"));
        return;
      }
      waiting.push(leaseKeepAliveRequest.decode(bytes).id);
      if (!busy) work().catch(fail);
    },
    halfClose() {
      halfClosed = true;
      if (!busy && !over) out.end();
    },
    drained: () => undefined,
    closed() {
      over = true;
    },
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
