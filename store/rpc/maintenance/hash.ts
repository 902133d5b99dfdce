import type { HashKvRequest, HashKvResponse, HashResponse } from "../../../proto/etcd-maintenance.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Over everything stored; for tests, as etcd's. */
export function hash(parts: MemberParts): HashResponse {
  return { header: header(parts), hash: parts.maintenance.hash() };
}

/** Over all keys' history up to a revision; members agree on it. */
export function hashKv(request: HashKvRequest, parts: MemberParts): HashKvResponse {
  const answer = parts.maintenance.hashKv(request.revision);
  return { header: header(parts), ...answer };
}
