import { assert } from "../../base/assert.ts";
import type { Core, LeaderState } from "./core.ts";
import { noBytes, nobody } from "./message.ts";
import { Progress } from "./progress.ts";
import { members } from "./quorum.ts";
import { ReadQueue } from "./read-index.ts";
import type { Index, MemberId, Term } from "./types.ts";

/** The transitions between roles (Raft figure 4, with pre-vote before candidacy). */

function enterTerm(core: Core, term: Term): void {
  assert(term >= core.term, "terms never fall");
  if (term !== core.term) {
    core.term = term;
    core.vote = nobody;
    core.leaderlessTerms += 1;
  }
  core.electionElapsed = 0;
  core.heartbeatElapsed = 0;
  core.electionTimeout = core.drawElectionTimeout();
}

/** any -> follower of `leader` (nobody: not known yet). */
export function becomeFollower(core: Core, term: Term, leader: MemberId): void {
  enterTerm(core, term);
  if (leader === nobody) core.electionTimeout = core.drawRetryTimeout();
  else core.leaderlessTerms = 0;
  core.state = { role: "follower", leader };
}

/** follower | candidate -> preCandidate. Neither term nor vote change: nobody is disturbed by asking. */
export function becomePreCandidate(core: Core): void {
  assert(core.role !== "leader", "a leader does not campaign");
  core.electionElapsed = 0;
  core.electionTimeout = core.drawRetryTimeout();
  core.state = { role: "preCandidate", votes: new Map() };
}

/** follower | preCandidate | candidate -> candidate, in a new term, having voted for itself. */
export function becomeCandidate(core: Core): void {
  assert(core.role !== "leader", "a leader does not campaign");
  enterTerm(core, core.term + 1);
  core.electionTimeout = core.drawRetryTimeout();
  core.vote = core.id;
  core.state = { role: "candidate", votes: new Map() };
}

/** candidate -> leader. Starts its term with an empty entry, whose commit commits all earlier ones (Raft §5.4.2, §8). */
export function becomeLeader(core: Core): LeaderState {
  assert(core.role === "candidate", "only a candidate is elected");
  enterTerm(core, core.term);
  core.leaderlessTerms = 0;
  const progress = new Map<MemberId, Progress>();
  for (const id of members(core.conf)) {
    if (id !== core.id) progress.set(id, new Progress(core.log.lastIndex + 1, core.config.limits));
  }
  const leader: LeaderState = {
    role: "leader",
    progress,
    reads: new ReadQueue(),
    earlyReads: [],
    transferee: nobody,
    // An earlier leader's change may be among what is not applied yet; none may follow before that is known.
    pendingConfIndex: core.log.lastIndex,
    ownRemovalIndex: ownRemovalIndex(core),
    uncommittedBytes: 0,
    broadcastDue: true,
    heartbeatDue: false,
  };
  core.state = leader;
  core.log.append([{ term: core.term, index: core.log.lastIndex + 1, type: "normal", data: noBytes }]);
  return leader;
}

/** Where the log would take this member out; 0 where it does not, or where nobody else could lead. */
function ownRemovalIndex({ id, log, conf, config }: Core): Index {
  if (conf.voters.length < 2) return 0;
  for (let index = log.applied + 1; index <= log.lastIndex; index++) {
    const { type, data } = log.entry(index);
    if (type === "confChange" && config.removedBy?.(data) === id) return index;
  }
  return 0;
}
