import { must } from "../../base/assert.ts";
import type { Core } from "./core.ts";
import { isTransfer, noBytes, nobody, transferContext } from "./message.ts";
import { isQuorum, tally } from "./quorum.ts";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.ts";
import { leaveOtherToRemove } from "./transfer.ts";
import type { MemberId, Message } from "./types.ts";

export type CampaignKind = "preVote" | "vote" | "transfer";

/** Tries to become the leader, unless this member may not lead or does not know the configuration it would lead. */
export function campaign(core: Core, kind: CampaignKind): void {
  if (core.role === "leader" || !core.isPromotable || hasUnappliedConfChange(core)) return;
  if (kind === "preVote") becomePreCandidate(core);
  else becomeCandidate(core);
  const { log } = core;
  const request = {
    // A pre-vote asks about the term it would start.
    term: kind === "preVote" ? core.term + 1 : core.term,
    index: log.lastIndex,
    logTerm: log.lastTerm,
    commit: log.committed,
    commitTerm: must(log.term(log.committed), "the id of what was committed last is known"),
    context: kind === "transfer" ? transferContext : noBytes,
  };
  for (const to of core.conf.voters) {
    if (to === core.id) continue;
    // The request of a vote says that the own vote is cast and the log is held, so it waits for the disk.
    if (kind === "preVote") core.send({ type: "preVote", to, ...request });
    else core.sendAfterAppend({ type: "vote", to, ...request });
  }
  // The own vote counts once it is durable (see RawNode.persisted); the own pre-vote promises nothing.
  if (kind === "preVote") recordVote(core, core.id, true);
}

function hasUnappliedConfChange(core: Core): boolean {
  for (let index = core.log.applied + 1; index <= core.log.committed; index++) {
    if (core.log.entry(index).type === "confChange") return true;
  }
  return false;
}

/** Counts an answer, or the own vote, and acts when the election is decided. */
export function recordVote(core: Core, from: MemberId, granted: boolean): void {
  const { state } = core;
  if (state.role !== "preCandidate" && state.role !== "candidate") return;
  if (!state.votes.has(from)) state.votes.set(from, granted);
  switch (tally(core.conf.voters, state.votes)) {
    case "won":
      if (state.role === "preCandidate") campaign(core, "vote");
      else leaveOtherToRemove(core, becomeLeader(core));
      return;
    case "lost":
      becomeFollower(core, core.term, nobody);
      return;
    case "pending":
      return;
  }
}

/** Whether a request to vote comes while this member hears a leader: then the asker is cut off or was removed, and granting
 *  would only disturb (thesis §4.2.3). A leadership transfer is what the leader itself wants. */
export function isDisruptive(core: Core, request: Message): boolean {
  return (
    !isTransfer(request.context) &&
    core.leader !== nobody &&
    (core.role === "leader" || core.electionElapsed < core.config.electionTicks)
  );
}

/** Who asks for a vote tells what it knows to be committed. Perhaps that includes that the one it asks is no learner any more:
 *  it may then be the only one that can be elected, and nobody else could tell it (thesis §4.2: a server uses the latest
 *  configuration in its log; here it takes effect when it is known to be committed). */
function learnCommit({ state, log }: Core, { commit, commitTerm }: Message): void {
  if (state.role === "leader" || commitTerm === undefined || commit <= log.committed) return;
  if (log.term(commit) === commitTerm) log.commitTo(commit);
}

/** Answers a vote or pre-vote of a term that is not below the own one (Raft §5.2, §5.4.1). */
export function answerVote(core: Core, request: Message): void {
  learnCommit(core, request);
  const isPreVote = request.type === "preVote";
  const mayVote =
    core.vote === request.from ||
    (core.vote === nobody && core.leader === nobody) ||
    (isPreVote && request.term > core.term) ||
    core.config.faults?.voteTwice === true;
  const isUpToDate =
    core.log.isUpToDate({ index: request.index, term: request.logTerm }) ||
    core.config.faults?.voteForShorterLog === true;
  const granted = mayVote && isUpToDate && !(isPreVote && standsBefore(core, request));
  if (isPreVote) {
    const term = granted ? request.term : core.term;
    core.send({ type: "preVoteResponse", to: request.from, term, reject: !granted });
    return;
  }
  if (granted) {
    core.electionElapsed = 0;
    core.vote = request.from;
  }
  core.sendAfterAppend({ type: "voteResponse", to: request.from, reject: !granted });
}

/** Of two members that ask each other for a pre-vote at once and hold the same log, the one with the larger ID stands: if both
 *  did, neither would be elected. Once it has asked in vain the other may stand, which perhaps reaches members that it does not. */
function standsBefore(core: Core, { from, index, logTerm }: Message): boolean {
  if (core.role !== "preCandidate" || core.electionElapsed > core.config.heartbeatTicks) return false;
  const isSameLog = index === core.log.lastIndex && logTerm === core.log.lastTerm;
  return isSameLog && core.id > from;
}

/** A leader that no majority answered for an election timeout steps down: another may lead already, and waiting clients
 *  should learn of it. */
export function checkQuorum(core: Core): void {
  const { state } = core;
  if (state.role !== "leader") return;
  const heard = (id: MemberId) => id === core.id || state.progress.get(id)?.active === true;
  if (!isQuorum(core.conf.voters, heard)) {
    becomeFollower(core, core.term, nobody);
    return;
  }
  for (const progress of state.progress.values()) progress.checked(core.log.lastIndex);
}
