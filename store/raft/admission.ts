import type { Core } from "./core.ts";
import { isCommitOnly, isTransfer, nobody } from "./message.ts";
import type { ConfState, Entry, EntryId, Message, MessageType, SnapshotMeta, Term } from "./types.ts";

/** What may be stepped. Messages come from other processes, which may be broken, of another make or hostile; the state machine
 *  asserts what it relies on, and none of that may rest on a message alone. So every message passes here first. Answers
 *  in words what is wrong with it; undefined when it may be stepped. */

/** Nobody falls behind, or gets ahead, by so many elections; a single message must not use up what terms there are. */
export const termJumpMax = 2 ** 32;
/** etcd's clusters have seven members at most; more would only be slow. */
const confMembersMax = 1_000;

export function messageProblem(core: Core, message: Message): string | undefined {
  return shapeProblem(message) ?? stateProblem(core, message);
}

// ---- what can be told from the message alone --------------------------------------------------------------------------

function shapeProblem(message: Message): string | undefined {
  const {
    type,
    from,
    to,
    term,
    logTerm,
    index,
    commit,
    rejectHint,
    entries,
    snapshot,
    commitTerm = 0,
  } = message;
  if (from === nobody || from === to) return `a ${type} of member ${from.toString(16)}`;
  for (const [name, value] of Object.entries({ term, logTerm, index, commit, commitTerm, rejectHint }))
    if (!isCount(value)) return `${name} ${value} of a ${type}`;
  if ((term === 0) !== belongsToNoTerm(message)) return `a ${type} of term ${term}`;
  if (logTerm > term) return `a ${type} of term ${term} about an entry of term ${logTerm}`;
  if (asksForVote(type) && (commit > index || commitTerm > logTerm))
    return `a ${type} about a log that ends at ${index} of term ${logTerm}, with ${commit} of term ${commitTerm} committed`;
  if (!hasContextOf(message)) return `a ${type} with a context of ${message.context.length} bytes`;
  if ((snapshot !== undefined) !== (type === "snapshot")) return `a ${type} about a snapshot, or without one`;
  if (snapshot !== undefined) return snapshotProblem(snapshot, term);
  if (type === "append") return runProblem({ index, term: logTerm }, entries, term);
  if (type === "propose") return entries.length > 0 ? undefined : "a propose without entries";
  return entries.length === 0 ? undefined : `a ${type} with entries`;
}

const asksForVote = (type: MessageType) => type === "vote" || type === "preVote";

/** A forwarded read, and a member's refusal that has never seen a term. */
function belongsToNoTerm({ type, term, reject }: Message): boolean {
  return type === "readIndex" || (type === "preVoteResponse" && reject && term === 0);
}

/** Reads have ids of eight bytes, which heartbeats carry; vote requests say whether the leader asked for them; an append may
 *  say that it carries nothing but the commit index. */
function hasContextOf({ type, context }: Message): boolean {
  if (type === "readIndex" || type === "readIndexResponse") return context.length === 8;
  if (context.length === 0) return true;
  if (type === "heartbeat" || type === "heartbeatResponse") return context.length === 8;
  if (asksForVote(type)) return isTransfer(context);
  return type === "append" && isCommitOnly(context);
}

/** Entries follow `prev` without a gap; terms never fall and none is later than the leader's. */
function runProblem(prev: EntryId, entries: readonly Entry[], term: Term): string | undefined {
  let before = prev;
  for (const entry of entries) {
    if (entry.index !== before.index + 1) return `entry ${entry.index} after entry ${before.index}`;
    if (!isCount(entry.term) || entry.term < Math.max(1, before.term) || entry.term > term)
      return `entry ${entry.index} of term ${entry.term} after one of term ${before.term}, by a leader of term ${term}`;
    before = entry;
  }
  return isCount(before.index) ? undefined : `entry ${before.index}`;
}

function snapshotProblem({ index, term, conf }: SnapshotMeta, leaderTerm: Term): string | undefined {
  if (!isCount(index) || index === 0) return `a snapshot at ${index}`;
  if (!isCount(term) || term === 0 || term > leaderTerm)
    return `a snapshot of term ${term} by a leader of term ${leaderTerm}`;
  return confProblem(conf);
}

function confProblem({ voters, learners }: ConfState): string | undefined {
  const ids = [...voters, ...learners];
  if (voters.length === 0) return "a snapshot of a cluster without voters";
  if (ids.length > confMembersMax) return `a snapshot of a cluster of ${ids.length} members`;
  if (ids.includes(nobody) || new Set(ids).size !== ids.length)
    return "a snapshot that names a member twice, or nobody";
  return undefined;
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;

// ---- what does not fit what this member knows -------------------------------------------------------------------------

function stateProblem(core: Core, message: Message): string | undefined {
  const { type, term, index, commit } = message;
  if (message.to !== core.id) return `a ${type} for member ${message.to.toString(16)}`;
  if (term > core.term + termJumpMax) return `term ${term}, while this member is in term ${core.term}`;
  if (term < core.term) return undefined; // it is not acted upon, but for telling the sender so
  if (term === core.term && comesFromLeader(message)) {
    if (core.role === "leader") return `a ${type} of another leader in this member's own term ${term}`;
    if (core.leader !== nobody && core.leader !== message.from)
      return `a ${type} in term ${term}, which has another leader`;
  }
  if (type === "heartbeat" && commit > core.log.lastIndex)
    return `entry ${commit} committed and held here, but the log ends at ${core.log.lastIndex}: was it truncated, corrupted or lost?`;
  if (type === "appendResponse" && !message.reject && core.role === "leader" && term === core.term) {
    if (index > core.log.lastIndex)
      return `entry ${index} acknowledged, but the leader's log ends at ${core.log.lastIndex}`;
  }
  return undefined;
}

/** A proposal that comes back is one that the leader did not take. */
const comesFromLeader = ({ type, reject }: Message) =>
  leadersTypes.has(type) || (type === "propose" && reject);

const leadersTypes: ReadonlySet<MessageType> = new Set([
  "append",
  "heartbeat",
  "snapshot",
  "timeoutNow",
  "readIndexResponse",
]);
