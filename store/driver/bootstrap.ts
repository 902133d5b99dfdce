import type { ConfChange, Entry, HardState, MemberId } from "../raft/types.ts";
import { encodeConfChange } from "./conf-change-wire.ts";

export interface FirstMember {
  readonly id: MemberId;
  /** JSON of the member, in etcd's form. */
  readonly context: Uint8Array;
}

/** What the log of every member of a new cluster begins with, as in etcd: one committed change per first member, in the
 *  order of their ids, so that all members begin alike. Write it with `log.append` before the driver opens the log. */
export function bootstrapLog(members: readonly FirstMember[]): {
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
} {
  const inOrder = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const entries = inOrder.map((member, i): Entry => {
    const change: ConfChange = { id: 0n, type: "addNode", nodeId: member.id, context: member.context };
    return { term: 1, index: i + 1, type: "confChange", data: encodeConfChange(change) };
  });
  return { hardState: { term: 1, vote: 0n, commit: entries.length }, entries };
}
