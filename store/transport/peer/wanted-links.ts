import type { MemberId } from "../../raft/types.ts";

/** Members that this one does not know and that have a connection to it, each of which gets one back. */
export const remotesMax = 32;

/** Whom to connect to, at which URLs. To every member, where the cluster says that it is and where it says itself; and to whoever
 *  is connected to this member without being known to it: a member that was away may know nobody any more of those that
 *  bring it up to date, and has to answer them. */
export function wantedLinks(
  self: MemberId,
  members: ReadonlyMap<MemberId, readonly string[]>,
  connected: readonly { readonly from: MemberId; readonly peerUrls: readonly string[] }[],
): ReadonlyMap<MemberId, readonly string[]> {
  const wanted = new Map(members);
  wanted.delete(self);
  const sizeMax = wanted.size + remotesMax;
  for (const { from, peerUrls } of connected) {
    const known = wanted.get(from);
    if (known === undefined && (from === self || peerUrls.length === 0 || wanted.size >= sizeMax)) continue;
    wanted.set(from, [...new Set([...(known ?? []), ...peerUrls])]);
  }
  return wanted;
}
