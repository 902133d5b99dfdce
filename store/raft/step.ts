import { assert } from "../../base/assert.ts";
import type { Core, LeaderState } from "./core.ts";
import { answerVote, campaign, isDisruptive, recordVote } from "./election.ts";
import { idOfBytes, nobody } from "./message.ts";
import { takeRead, takeReadAcknowledgement } from "./reads.ts";
import {
  answerAppend,
  appendProposal,
  takeAppendResponse,
  takeHeartbeatResponse,
  takesProposals,
} from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { installSnapshot } from "./snapshot.ts";
import { handsOverInstead } from "./transfer.ts";
import type { Entry, Message } from "./types.ts";

/** One message's effect (Raft figure 2). Messages of term 0 (forwarded reads) belong to no term. */
export function step(core: Core, incoming: Message): void {
  if (incoming.term > core.term && !enterLaterTerm(core, incoming)) return;
  if (incoming.term !== 0 && incoming.term < core.term) {
    answerEarlierTerm(core, incoming);
    return;
  }
  if (incoming.type === "vote" || incoming.type === "preVote") {
    answerVote(core, incoming);
    return;
  }
  switch (core.state.role) {
    case "leader":
      stepLeader(core, core.state, incoming);
      return;
    case "follower":
      stepFollower(core, incoming);
      return;
    default:
      stepCandidate(core, incoming);
  }
}

/** A later term makes everybody a follower, unless the message only asks or answers about it. False: ignore it. */
function enterLaterTerm(core: Core, incoming: Message): boolean {
  switch (incoming.type) {
    case "vote":
      if (isDisruptive(core, incoming)) return false;
      becomeFollower(core, incoming.term, nobody);
      return true;
    case "preVote":
      return !isDisruptive(core, incoming);
    case "preVoteResponse":
      // A granted pre-vote carries the term it was asked for; only a refusal tells of a later one.
      if (incoming.reject) becomeFollower(core, incoming.term, nobody);
      return true;
    case "append":
    case "heartbeat":
    case "snapshot":
      becomeFollower(core, incoming.term, incoming.from);
      return true;
    default:
      becomeFollower(core, incoming.term, nobody);
      return true;
  }
}

/** With pre-vote and check-quorum a member can be stuck in a later term than its leader; it must be told. */
function answerEarlierTerm(core: Core, incoming: Message): void {
  switch (incoming.type) {
    case "append":
    case "heartbeat":
    case "snapshot":
      // The old leader reads the term and steps down; whoever then leads brings this member back in.
      core.sendAfterAppend({ type: "appendResponse", to: incoming.from });
      return;
    case "preVote":
      core.send({ type: "preVoteResponse", to: incoming.from, reject: true });
      return;
    default:
      return;
  }
}

function stepLeader(core: Core, leader: LeaderState, incoming: Message): void {
  switch (incoming.type) {
    case "appendResponse":
      takeAppendResponse(core, leader, incoming);
      return;
    case "heartbeatResponse":
      takeHeartbeatResponse(core, leader, incoming);
      takeReadAcknowledgement(core, leader, incoming);
      return;
    case "propose":
      takeForwardedProposals(core, leader, incoming);
      return;
    case "readIndex":
      // A read beyond the bound is dropped; the follower asks again.
      takeRead(core, leader, { from: incoming.from, requestId: idOfBytes(incoming.context), index: 0 });
      return;
    case "append":
    case "heartbeat":
    case "snapshot":
      assert(false, `two leaders in term ${core.term}`);
      return;
    default:
      return;
  }
}

/** A follower's proposals. It is told which of them the leader does not take. */
function takeForwardedProposals(core: Core, leader: LeaderState, { from, entries }: Message): void {
  const dropped = entries.filter((entry) => !takeForwarded(core, leader, entry));
  if (dropped.length > 0) core.send({ type: "propose", to: from, reject: true, entries: dropped });
}

function takeForwarded(core: Core, leader: LeaderState, entry: Entry): boolean {
  if (!takesProposals(core, leader)) {
    if (core.config.faults?.takeWhatIsDropped === true) appendProposal(core, leader, entry);
    return false;
  }
  const isChange = entry.type === "confChange";
  if (isChange && leader.pendingConfIndex > core.log.applied) return false;
  if (isChange && handsOverInstead(core, leader, entry.data)) return false;
  if (!appendProposal(core, leader, entry)) return false;
  if (isChange) leader.pendingConfIndex = core.log.lastIndex;
  return true;
}

/** An answer of this term's leader, the only one that could have put them into its log; no copy of them is on its way. */
function takeDropped(core: Core, { reject, entries }: Message): void {
  // Without `reject` they are proposals for the leader of this term, which this member is no more; the next leader's first
  // entry tells whoever proposed them.
  if (reject) for (const { type, data } of entries) core.dropped.push({ type, data });
}

function stepFollower(core: Core, incoming: Message): void {
  switch (incoming.type) {
    case "append":
      hearLeader(core, incoming);
      answerAppend(core, incoming);
      return;
    case "heartbeat":
      hearLeader(core, incoming);
      core.log.commitTo(incoming.commit);
      core.send({ type: "heartbeatResponse", to: incoming.from, context: incoming.context });
      return;
    case "snapshot":
      hearLeader(core, incoming);
      installSnapshot(core, incoming);
      return;
    case "propose":
      takeDropped(core, incoming);
      return;
    case "readIndex":
      // Whoever asked believes that this member leads; it will ask again when it knows better.
      return;
    case "readIndexResponse":
      core.readStates.push({ requestId: idOfBytes(incoming.context), index: incoming.index });
      return;
    case "timeoutNow":
      // The leader handed over: campaign at once and without a pre-vote, which its followers would refuse.
      campaign(core, "transfer");
      return;
    default:
      return;
  }
}

function stepCandidate(core: Core, incoming: Message): void {
  switch (incoming.type) {
    case "append":
    case "heartbeat":
    case "snapshot":
      // Somebody was elected in the very term this member stands in.
      becomeFollower(core, core.term, incoming.from);
      stepFollower(core, incoming);
      return;
    case "propose":
      takeDropped(core, incoming);
      return;
    case "preVoteResponse":
      if (core.role === "preCandidate") recordVote(core, incoming.from, !incoming.reject);
      return;
    case "voteResponse":
      if (core.role === "candidate") recordVote(core, incoming.from, !incoming.reject);
      return;
    default:
      return;
  }
}

function hearLeader(core: Core, incoming: Message): void {
  core.electionElapsed = 0;
  // While there was no leader the timeout was short.
  if (core.leader === nobody) core.electionTimeout = core.drawElectionTimeout();
  core.leaderlessTerms = 0;
  core.state = { role: "follower", leader: incoming.from };
}
