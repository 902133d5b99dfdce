import type { WatchCreateRequest } from "../../../proto/etcd.ts";
import { storeErrors } from "../../errors.ts";

const noBytes = new Uint8Array(0);

/** The range that a request names in etcd's words: no key is the smallest one, `\0` as the end is none. */
export function watchTarget(request: WatchCreateRequest): {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array | undefined;
} {
  const key = request.key.length === 0 ? Uint8Array.of(0) : request.key;
  const { rangeEnd } = request;
  if (rangeEnd.length === 0) return { key, rangeEnd: undefined };
  return { key, rangeEnd: rangeEnd.length === 1 && rangeEnd[0] === 0 ? noBytes : rangeEnd };
}

/** Why a watch cannot be created, as etcd words it; undefined when it can. */
export function createProblem(
  request: WatchCreateRequest,
  isTaken: (id: number) => boolean,
): string | undefined {
  const { key, rangeEnd } = watchTarget(request);
  if (rangeEnd !== undefined && rangeEnd.length > 0 && Buffer.compare(key, rangeEnd) >= 0)
    return "mvcc: watcher range is empty";
  if (request.startRevision < 0) return storeErrors.COMPACTED.message;
  if (request.watchId !== 0 && isTaken(request.watchId))
    return "mvcc: duplicate watch ID provided on the WatchStream";
  return undefined;
}
