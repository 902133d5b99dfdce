import type { HashKvRequest, HashKvResponse, HashResponse } from "../../../proto/etcd-maintenance.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Over everything stored; for tests, as etcd's. */
export async function hash(parts: MemberParts): Promise<HashResponse> {
  return { header: header(parts), hash: await parts.maintenance.hash() };
}

/** Over all keys' history up to a revision; members agree on it. */
export async function hashKv(request: HashKvRequest, parts: MemberParts): Promise<HashKvResponse> {
  const { hash, compactRevision, hashRevision } = await parts.maintenance.hashKv(request.revision);
  return { header: header(parts), hash, compactRevision, hashRevision };
}
