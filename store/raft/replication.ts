import { assert, must } from "../../base/assert.ts";
import type { Core, LeaderState } from "./core.ts";
import { payloadBytes } from "./entry-size.ts";
import { commitOnlyContext, idBytes, isCommitOnly, noBytes, nobody } from "./message.ts";
import type { Progress } from "./progress.ts";
import { committedIndex } from "./quorum.ts";
import { releaseEarlyReads } from "./reads.ts";
import type { Index, MemberId, Message, Proposal } from "./types.ts";

/** Sends what the follower lacks, as far as its window allows. `force`: an append without entries too, to find out where
 *  the follower stands. */
export function replicateTo(
  core: Core,
  to: MemberId,
  progress: Progress,
  options: { readonly force?: boolean } = {},
): void {
  let force = options.force === true;
  const { log } = core;
  const commit = toldCommit(core);
  // A full window must not hide a loss for ever: a forced append goes out all the same, without entries.
  while (!progress.isPaused || (force && progress.feed.state === "replicate")) {
    const { next } = progress.feed;
    const isFull = progress.isPaused;
    const hasEntries = next <= log.lastIndex && !isFull;
    const hasCommit = progress.commitSent < commit && !isFull;
    if (!hasEntries && !hasCommit && !force) return;
    const logTerm = log.term(next - 1);
    if (logTerm === undefined) {
      sendSnapshot(core, to, progress);
      return;
    }
    const entries = hasEntries ? log.tail(next, core.config.limits.appendBytesMax) : [];
    // An answer would tell nothing new, unless the follower has to show where it stands.
    const needsAnswer = entries.length > 0 || force || progress.feed.state !== "replicate";
    const context = needsAnswer ? noBytes : commitOnlyContext;
    core.send({ type: "append", to, index: next - 1, logTerm, entries, commit, context });
    progress.sent(entries.length, payloadBytes(entries));
    progress.commitSent = commit;
    force = false;
  }
}

/** What a leader tells others to be committed: a change of the configuration only when its own disk has that commit index. A member
 *  that hears of its own removal ends; the leader must not come back from a power cut in need of its vote. */
function toldCommit({ log, durableCommit, state }: Core): Index {
  if (state.role !== "leader" || state.pendingConfIndex <= durableCommit) return log.committed;
  // What is applied was on disk before.
  for (let index = Math.max(durableCommit, log.applied) + 1; index <= log.committed; index++) {
    if (log.entry(index).type === "confChange") return index - 1;
  }
  return log.committed;
}

/** The disk has the commit index `index`. */
export function confirmCommit(core: Core, index: Index): void {
  if (index <= core.durableCommit) return;
  const before = toldCommit(core);
  core.durableCommit = index;
  if (core.state.role === "leader" && toldCommit(core) > before) core.state.broadcastDue = true;
}

/** The entries the follower needs are gone: it gets the state at the applied index instead. */
function sendSnapshot(core: Core, to: MemberId, progress: Progress): void {
  // Who does not answer cannot take it either; the next sign of life brings us back here.
  if (!progress.active) return;
  const index = core.log.applied;
  const term = must(core.log.term(index), "the applied entry's id is known");
  core.send({ type: "snapshot", to, snapshot: { index, term, conf: core.conf } });
  progress.becomeSnapshot(index);
}

/** The first entry that some follower is still to be sent and that this log still has: of those that are sent a snapshot at the
 *  moment what comes behind it, too. A follower that has been silent for long does not count, nor does one that needs what is
 *  gone already. Past the last entry where nobody lacks any. */
export function wantedFrom(core: Core): Index {
  const { log, state, config } = core;
  let from = log.lastIndex + 1;
  if (state.role !== "leader") return from;
  const { silentChecksMax } = config.limits;
  for (const { wanted, isHeard, silentChecks, isCatchingUp } of state.progress.values()) {
    const isThere = isHeard || silentChecks < silentChecksMax;
    if (isThere && (isCatchingUp || silentChecksMax > 0) && wanted >= log.firstIndex)
      from = Math.min(from, wanted);
  }
  return from;
}

/** Sends everybody what waits. Called once per Ready, so that all that came since the last one shares its messages. */
export function broadcast(core: Core, leader: LeaderState): void {
  leader.broadcastDue = false;
  for (const [to, progress] of leader.progress) replicateTo(core, to, progress);
}

export function broadcastHeartbeat(core: Core, leader: LeaderState): void {
  leader.heartbeatDue = false;
  core.heartbeatElapsed = 0;
  const round = leader.reads.newestRound;
  const commit = toldCommit(core);
  for (const [to, progress] of leader.progress) {
    core.send({
      type: "heartbeat",
      to,
      // Never more than the follower surely has: it would commit what it holds at that index, ours or not.
      commit: Math.min(progress.match, commit),
      context: round === undefined ? noBytes : idBytes(round),
    });
  }
}

/** Commits what a majority holds durably. Only entries of the own term are counted (Raft §5.4.2, figure 8); earlier ones
 *  are committed with them. */
export function maybeCommit(core: Core, leader: LeaderState): void {
  const { log } = core;
  const match = (id: MemberId) => (id === core.id ? log.durable : (leader.progress.get(id)?.match ?? 0));
  const { faults } = core.config;
  const held = faults?.commitAlone === true ? log.durable : committedIndex(core.conf.voters, match);
  const index = leader.ownRemovalIndex > 0 ? Math.min(held, leader.ownRemovalIndex - 1) : held;
  if (index <= log.committed) return;
  if (log.term(index) !== core.term && faults?.commitOldTermByCounting !== true) return;
  const before = log.committed;
  log.commitTo(index);
  for (let at = before + 1; at <= index; at++) leader.uncommittedBytes -= log.entry(at).data.length;
  leader.uncommittedBytes = Math.max(0, leader.uncommittedBytes);
  leader.broadcastDue = true;
  releaseEarlyReads(core, leader);
}

/** Puts a proposal into the leader's log. False when too many bytes wait for commit. */
export function appendProposal(core: Core, leader: LeaderState, { type, data, content }: Proposal): boolean {
  const { uncommittedBytesMax } = core.config.limits;
  // The first always passes, however large: the bound must not stop everything.
  if (leader.uncommittedBytes > 0 && leader.uncommittedBytes + data.length > uncommittedBytesMax)
    return false;
  leader.uncommittedBytes += data.length;
  core.log.push({ term: core.term, index: core.log.lastIndex + 1, type, data, content });
  leader.broadcastDue = true;
  return true;
}

/** The follower's side of an append (Raft §5.3). */
export function answerAppend(core: Core, append: Message): void {
  const { log } = core;
  const to = append.from;
  if (append.index < log.committed) {
    core.sendAfterAppend({ type: "appendResponse", to, index: log.committed });
    return;
  }
  const isTrusted = core.config.faults?.appendAnywhere === true;
  const logTerm = (isTrusted ? log.term(append.index) : undefined) ?? append.logTerm;
  const matched = log.appendAfter({ index: append.index, term: logTerm }, append.entries);
  if (matched !== undefined) {
    log.commitTo(Math.min(append.commit, matched));
    if (isCommitOnly(append.context)) return;
    core.sendAfterAppend({ type: "appendResponse", to, index: matched });
    return;
  }
  // Where our log may agree with the leader's: past entries of later terms than the one it asked for (Raft §5.3, end).
  const hint = log.lastWithin(append.index, append.logTerm);
  core.send({
    type: "appendResponse",
    to,
    index: append.index,
    reject: true,
    rejectHint: Math.max(0, hint.index),
    logTerm: hint.term,
  });
}

/** The leader's side: what a follower answered to an append or a snapshot. */
export function takeAppendResponse(core: Core, leader: LeaderState, answer: Message): void {
  const progress = leader.progress.get(answer.from);
  if (progress === undefined) return;
  progress.active = true;
  if (answer.reject) {
    // Skip at once all our entries of terms that the follower, at its hint, cannot have.
    const hint =
      answer.logTerm > 0 ? core.log.lastWithin(answer.rejectHint, answer.logTerm).index : answer.rejectHint;
    if (progress.refused(answer.index, hint)) replicateTo(core, answer.from, progress, { force: true });
    return;
  }
  assert(
    answer.index <= core.log.lastIndex,
    `a follower acknowledged ${answer.index}, past the leader's log`,
  );
  const isNews = progress.matched(answer.index);
  const { feed } = progress;
  if (feed.state === "probe" && (isNews || progress.match === answer.index)) progress.becomeReplicate();
  else if (feed.state === "snapshot" && progress.match + 1 >= core.log.firstIndex) progress.becomeReplicate();
  leader.broadcastDue = true;
  if (isNews) maybeCommit(core, leader);
  if (leader.transferee === answer.from && progress.match === core.log.lastIndex) {
    core.send({ type: "timeoutNow", to: answer.from });
  }
}

/** A heartbeat was answered. Whoever lags and made no progress since the last answer is sent something, so that a lost
 *  append is noticed within a heartbeat. */
export function takeHeartbeatResponse(core: Core, leader: LeaderState, answer: Message): void {
  const progress = leader.progress.get(answer.from);
  if (progress === undefined) return;
  progress.active = true;
  progress.resume();
  const isStuck = progress.matchAtHeartbeat === progress.match;
  progress.matchAtHeartbeat = progress.match;
  if (progress.feed.state === "probe" || (progress.match < core.log.lastIndex && isStuck)) {
    replicateTo(core, answer.from, progress, { force: true });
  }
}

/** Whether the leader takes proposals: not while it hands over, nor once it was removed. */
export function takesProposals(core: Core, leader: LeaderState): boolean {
  return leader.transferee === nobody && core.conf.voters.includes(core.id);
}
