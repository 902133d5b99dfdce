import type { DowngradeRequest } from "../../../proto/etcd-maintenance.ts";
import { StoreError } from "../../errors.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { StatusError } from "../status.ts";

/** A cluster of this version cannot be downgraded, since no older one writes the same data: every target is invalid, and
 *  there is never anything to cancel, which etcd answers like a cancellation. */
export async function downgrade(request: DowngradeRequest, parts: MemberParts) {
  switch (request.action) {
    case "VALIDATE":
    case "ENABLE":
      // Of the patch version etcd takes no notice, and it may be missing.
      if (!/^\d+\.\d+(\.\d+([-+].+)?)?$/.test(request.version))
        throw new StoreError("WRONG_DOWNGRADE_VERSION_FORMAT");
      await parts.reads.ready();
      throw new StoreError("INVALID_DOWNGRADE_TARGET");
    case "CANCEL":
      await parts.reads.ready();
      return { header: header(parts), version: parts.maintenance.version.split(".").slice(0, 2).join(".") };
    default:
      throw new StatusError("UNKNOWN", "etcdserver: unknown method");
  }
}
