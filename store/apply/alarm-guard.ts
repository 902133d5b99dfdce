import { StoreError } from "../errors.ts";
import type { Alarms } from "./alarms.ts";
import type { RequestKind } from "./logged-request.ts";

/** Throws CORRUPT or NO_SPACE when an alarm forbids the request. Alarms come through the log, so all members agree. */
export function refuseByAlarm(alarms: Alarms, kind: RequestKind, addedBytes: number): void {
  if (alarms.isEmpty) return;
  if (corruptRefuses.has(kind) && alarms.has("CORRUPT")) throw new StoreError("CORRUPT");
  if (addedBytes > 0 && alarms.has("NOSPACE")) throw new StoreError("NO_SPACE");
}

const corruptRefuses: ReadonlySet<RequestKind> = new Set([
  "put",
  "range",
  "deleteRange",
  "txn",
  "compaction",
  "leaseGrant",
  "leaseRevoke",
]);
