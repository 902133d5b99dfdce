import type { Core, LeaderState } from "./core.ts";
import { idBytes, idOfBytes, nobody } from "./message.ts";
import { isQuorum } from "./quorum.ts";
import type { PendingRead } from "./read-index.ts";
import type { MemberId, Message } from "./types.ts";

/** Asks for an index to read at. False when there is no leader to ask. `requestId` must never have been used before, by
 *  this or an earlier life of the member: an answer that was delayed must not be taken for a fresh one. */
export function requestRead(core: Core, requestId: bigint): boolean {
  if (core.state.role === "leader") return takeRead(core, core.state, { from: core.id, requestId, index: 0 });
  if (core.leader === nobody) return false;
  core.send({ type: "readIndex", to: core.leader, term: 0, context: idBytes(requestId) });
  return true;
}

/** The leader received a read, of its own or forwarded. False when too many wait. */
export function takeRead(core: Core, leader: LeaderState, read: PendingRead): boolean {
  if (leader.reads.length + leader.earlyReads.length >= core.config.limits.readsMax) return false;
  if (!hasCommittedInTerm(core)) {
    // Until then the leader does not know which entries of earlier terms are committed (Raft §8).
    leader.earlyReads.push(read);
    return true;
  }
  startRead(core, leader, { ...read, index: core.log.committed });
  return true;
}

function startRead(core: Core, leader: LeaderState, read: PendingRead): void {
  const alone = isQuorum(core.conf.voters, (id) => id === core.id);
  if (alone || core.config.faults?.readWithoutQuorum === true) {
    answerRead(core, read);
    return;
  }
  leader.reads.add(read, core.id);
  leader.heartbeatDue = true;
}

function hasCommittedInTerm(core: Core): boolean {
  return core.log.term(core.log.committed) === core.term;
}

export function releaseEarlyReads(core: Core, leader: LeaderState): void {
  if (leader.earlyReads.length === 0 || !hasCommittedInTerm(core)) return;
  const waiting = leader.earlyReads;
  leader.earlyReads = [];
  for (const read of waiting) startRead(core, leader, { ...read, index: core.log.committed });
}

export function takeReadAcknowledgement(core: Core, leader: LeaderState, answer: Message): void {
  if (answer.context.length !== 8) return;
  const isConfirmed = (acks: ReadonlySet<MemberId>) => isQuorum(core.conf.voters, (id) => acks.has(id));
  const confirmed = leader.reads.acknowledge(answer.from, idOfBytes(answer.context), isConfirmed);
  for (const read of confirmed) answerRead(core, read);
}

function answerRead(core: Core, read: PendingRead): void {
  if (read.from === core.id) core.readStates.push({ requestId: read.requestId, index: read.index });
  else {
    const context = idBytes(read.requestId);
    core.send({ type: "readIndexResponse", to: read.from, index: read.index, context });
  }
}
