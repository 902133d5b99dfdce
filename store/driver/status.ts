import type { RawNode } from "../raft/node.ts";
import type { ConsensusStatus } from "./seams.ts";

/** Asked for on every request, so all but the simple figures is worked out only when it is looked at. */
export function consensusStatus(raft: RawNode): ConsensusStatus {
  return {
    id: raft.id,
    leader: raft.leader,
    role: raft.role,
    term: raft.term,
    committed: raft.committed,
    applied: raft.appliedIndex,
    lastIndex: raft.lastIndex,
    get progress() {
      return raft.status().progress;
    },
  };
}
