import type { Of } from "../../../base/protobuf.ts";
import type { leaseLeasesResponse } from "../../../proto/etcd.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Who may not read every leased key is refused: the list would tell that there are leases. */
export async function leaseLeases(call: Call, parts: MemberParts): Promise<Of<typeof leaseLeasesResponse>> {
  const { access } = parts;
  const who = await access.requireUser(call);
  if (who !== undefined) for (const id of parts.leases.ids()) access.rights.readKeysOf(id, who);
  return { header: header(parts), leases: parts.leases.ids().map((id) => ({ id })) };
}
