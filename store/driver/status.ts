import type { RawNode } from "../raft/node.ts";
import type { ConsensusStatus } from "./seams.ts";

/** Asked for on every request, so all but the simple figures is worked out only when it is looked at. */
export function consensusStatus(raft: RawNode): ConsensusStatus {
  return new StatusNow(raft);
}

/** A class, since a getter in an object made for each request costs more than all the figures. */
class StatusNow implements ConsensusStatus {
  readonly id: bigint;
  readonly leader: bigint;
  readonly role: ConsensusStatus["role"];
  readonly term: number;
  readonly committed: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly #raft: RawNode;

  constructor(raft: RawNode) {
    this.id = raft.id;
    this.leader = raft.leader;
    this.role = raft.role;
    this.term = raft.term;
    this.committed = raft.committed;
    this.applied = raft.appliedIndex;
    this.lastIndex = raft.lastIndex;
    this.#raft = raft;
  }

  get progress(): ConsensusStatus["progress"] {
    return this.#raft.status().progress;
  }
}
