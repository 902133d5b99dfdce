import type { WatchCreateRequest } from "../../../proto/etcd.ts";
import { StoreError, storeErrors } from "../../errors.ts";
import { isEmptyRange } from "../../watch/watcher.ts";

/** Why a watch cannot be created, as etcd words it; undefined when it can.
 *  @param refusal Why who asks may not watch these keys. */
export function createProblem(
  request: WatchCreateRequest,
  isTaken: (id: bigint) => boolean,
  refusal?: string,
): string | undefined {
  if (request.startRevision < 0) return storeErrors.COMPACTED.message;
  if (refusal !== undefined) return refusal;
  if (isEmptyRange(request)) return "mvcc: watcher range is empty";
  if (request.watchId !== 0n && isTaken(request.watchId))
    return "mvcc: duplicate watch ID provided on the WatchStream";
  return undefined;
}

/** Go's names of the codes. */
const refusals = {
  INVALID_AUTH_TOKEN: "Unauthenticated",
  AUTH_OLD_REVISION: "InvalidArgument",
  USER_EMPTY: "InvalidArgument",
  PERMISSION_DENIED: "PermissionDenied",
} as const;

/** What a watch is told whose creator has no right to it: etcd's error with its code, as Go prints it. Throws what is no
 *  refusal. */
export function watchRefusal(error: unknown): string {
  if (!(error instanceof StoreError)) throw error;
  const code = Object.hasOwn(refusals, error.code)
    ? (error.code as keyof typeof refusals)
    : "PERMISSION_DENIED";
  return `rpc error: code = ${refusals[code]} desc = ${storeErrors[code].message}`;
}

/** The range that a watch is of: without a key from the first one on. */
export function watchedRange({
  key,
  rangeEnd,
}: WatchCreateRequest): Pick<WatchCreateRequest, "key" | "rangeEnd"> {
  return { key: key.length === 0 ? Uint8Array.of(0) : key, rangeEnd };
}
