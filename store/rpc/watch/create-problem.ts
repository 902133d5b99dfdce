import type { WatchCreateRequest } from "../../../proto/etcd.ts";
import { storeErrors } from "../../errors.ts";
import { isEmptyRange } from "../../watch/watcher.ts";

/** Why a watch cannot be created, as etcd words it; undefined when it can. */
export function createProblem(
  request: WatchCreateRequest,
  isTaken: (id: bigint) => boolean,
): string | undefined {
  if (isEmptyRange(request)) return "mvcc: watcher range is empty";
  if (request.startRevision < 0) return storeErrors.COMPACTED.message;
  if (request.watchId !== 0n && isTaken(request.watchId))
    return "mvcc: duplicate watch ID provided on the WatchStream";
  return undefined;
}
