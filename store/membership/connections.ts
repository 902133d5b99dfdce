import { majority } from "../raft/quorum.ts";
import type { MemberId } from "../raft/types.ts";
import type { ClusterView } from "./change-checks.ts";

/** Whether the connection with the leader has stood for longer than `ms`; where this member leads, those with a majority of all
 *  members, learners too, as etcd counts. */
export function isConnectedFor(
  leader: MemberId,
  ms: number,
  { self, members, connectedForMs }: Pick<ClusterView, "self" | "members" | "connectedForMs">,
): boolean {
  if (leader !== self) return connectedForMs(leader) > ms;
  const connected = members.filter(({ id }) => id === self || connectedForMs(id) > ms);
  return connected.length >= majority(members.length);
}
