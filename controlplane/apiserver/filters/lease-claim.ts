import type { IncomingHttpHeaders } from "node:http";
import { heldLeaseHeader, parseHeldLease } from "../../../client/held-lease.ts";
import { badRequest } from "../api-error.ts";
import { LeaseClaim } from "../registry/lease-fence.ts";
import type { User } from "./authentication.ts";
import { accessForbidden } from "./authorization.ts";
import type { Authorizer } from "./authorizer.ts";
import { header } from "./request-info.ts";

/** The Lease under which a write says that it was decided; undefined where it says nothing. Fails with 400 where that cannot be
 *  read, and with 403 unless the user may get the Lease: else whoever may write anything could find out who holds which. */
export function leaseClaim(
  headers: IncomingHttpHeaders,
  user: User,
  authorizer: Authorizer,
): Promise<LeaseClaim> | undefined {
  return headers[heldLeaseHeader] === undefined
    ? undefined
    : readClaim(header(headers, heldLeaseHeader), user, authorizer);
}

async function readClaim(text: string, user: User, authorizer: Authorizer): Promise<LeaseClaim> {
  const lease = parseHeldLease(text);
  if ("problem" in lease) throw badRequest(`the header ${heldLeaseHeader} ${lease.problem}`);
  const { namespace, name } = lease;
  const wanted = {
    verb: "get",
    group: "coordination.k8s.io",
    plural: "leases",
    subresource: "",
    namespace,
    name,
  };
  const { allowed, reason } = await authorizer(user, wanted);
  if (!allowed) throw accessForbidden(user, wanted, reason);
  return new LeaseClaim(lease);
}

/** Fails with 400 where something that stores nothing says under which Lease it was decided. */
export function refuseLeaseClaim(headers: IncomingHttpHeaders): undefined {
  if (headers[heldLeaseHeader] !== undefined)
    throw badRequest(`the header ${heldLeaseHeader} is for writes of objects only`);
}
