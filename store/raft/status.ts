import type { Core } from "./core.ts";
import type { Feed } from "./progress.ts";
import type { ConfState, Index, MemberId, Role, Term } from "./types.ts";

export interface MemberProgress {
  readonly id: MemberId;
  readonly match: Index;
  readonly next: Index;
  readonly state: Feed["state"];
  /** Whether it was heard from since the leader last checked its quorum. */
  readonly active: boolean;
  readonly learner: boolean;
}

export interface RaftStatus {
  readonly id: MemberId;
  readonly term: Term;
  readonly vote: MemberId;
  readonly role: Role;
  readonly leader: MemberId;
  readonly conf: ConfState;
  readonly firstIndex: Index;
  readonly lastIndex: Index;
  readonly durable: Index;
  readonly committed: Index;
  readonly applied: Index;
  /** Payload of the log in memory. */
  readonly logBytes: number;
  /** Leader only: payload that is not committed yet. */
  readonly uncommittedBytes: number;
  /** Leader only: who shall lead next; 0 where nobody shall. */
  readonly transferee: MemberId;
  /** Leader only. */
  readonly progress: readonly MemberProgress[];
}

export function statusOf(core: Core): RaftStatus {
  const { log, state } = core;
  return {
    id: core.id,
    term: core.term,
    vote: core.vote,
    role: core.role,
    leader: core.leader,
    conf: core.conf,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    durable: log.durable,
    committed: log.committed,
    applied: log.applied,
    logBytes: log.bytes,
    uncommittedBytes: state.role === "leader" ? state.uncommittedBytes : 0,
    transferee: state.role === "leader" ? state.transferee : 0n,
    progress: state.role === "leader" ? progressOf(core, state.progress) : [],
  };
}

function progressOf(core: Core, all: ReadonlyMap<MemberId, { match: Index; feed: Feed; active: boolean }>) {
  const others = [...all].map(([id, { match, feed, active }]) => ({
    id,
    match,
    next: feed.next,
    state: feed.state,
    active,
    learner: core.conf.learners.includes(id),
  }));
  const self: MemberProgress = {
    id: core.id,
    match: core.log.durable,
    next: core.log.lastIndex + 1,
    state: "replicate",
    active: true,
    learner: core.conf.learners.includes(core.id),
  };
  return [self, ...others];
}
