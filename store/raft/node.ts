import { assert } from "../../base/assert.ts";
import { messageProblem } from "./admission.ts";
import { adoptConf } from "./adopt-conf.ts";
import type { RaftConfig } from "./config.ts";
import { Core } from "./core.ts";
import { campaign, checkQuorum, recordVote } from "./election.ts";
import { nobody } from "./message.ts";
import { requestRead } from "./reads.ts";
import type { Ready } from "./ready.ts";
import {
  appendProposal,
  broadcast,
  broadcastHeartbeat,
  confirmCommit,
  maybeCommit,
  takesProposals,
  wantedFrom,
} from "./replication.ts";
import { installSnapshot } from "./snapshot.ts";
import { type RaftStatus, statusOf } from "./status.ts";
import { step } from "./step.ts";
import { handsOverInstead, leaveOtherToRemove, startTransfer } from "./transfer.ts";
import type {
  ConfState,
  Entry,
  HardState,
  Index,
  MemberId,
  Message,
  Proposal,
  Role,
  SnapshotMeta,
  SoftState,
  Term,
} from "./types.ts";

/** "dropped": the leader hands over, or may not lead any more. All but "accepted" say that nothing enters the log. */
export type ProposeResult = "accepted" | "noLeader" | "dropped" | "tooMany";

/** What the caller cannot take at the moment; it waits for a later Ready. */
export interface CallerState {
  readonly isDiskBusy?: boolean;
  readonly isApplyBusy?: boolean;
}

/** One member's consensus as a pure state machine: inputs are method calls, output is one `Ready` value. It knows no clock,
 *  no disk and no network, and the same inputs always give the same output.
 *
 *      node.step(message)                       // and tick(), propose(), …
 *      while (node.hasReady()) {
 *        const ready = node.ready();
 *        send(ready.messages); write(ready);    // write, then send(ready.messagesAfterAppend)
 *        node.persisted(lastWritten);           // as soon as it is durable; may be later, after further Readys
 *        apply(ready.committedEntries); node.applied(lastApplied);
 *      }
 */
export class RawNode {
  readonly #core: Core;
  /** What was last handed out to be persisted, and whether the disk has confirmed it. */
  #writtenHardState: HardState;
  #isWriting = false;
  #writingCommit: Index;
  #writingSnapshot: SnapshotMeta | undefined;
  #handedToApply: Index;
  #announced: SoftState & { readonly term: Term };

  constructor(config: RaftConfig) {
    this.#core = new Core(config);
    this.#writtenHardState = config.hardState;
    this.#writingCommit = config.hardState.commit;
    this.#handedToApply = config.applied;
    this.#announced = { role: "follower", leader: nobody, term: this.#core.term };
  }

  /** One heartbeat unit of time passed. */
  tick(): void {
    const core = this.#core;
    // Its disk takes its time: asking anew would only make it write more.
    if (core.awaitsOwnVote) return;
    core.electionElapsed += 1;
    if (core.state.role !== "leader") {
      if (core.electionElapsed < core.electionTimeout || !core.isPromotable) return;
      core.electionElapsed = 0;
      campaign(core, "preVote");
      return;
    }
    core.heartbeatElapsed += 1;
    if (core.electionElapsed >= core.config.electionTicks) {
      core.electionElapsed = 0;
      core.state.transferee = nobody; // it had its chance
      checkQuorum(core);
      if (core.state.role !== "leader") return;
      leaveOtherToRemove(core, core.state);
    }
    if (core.heartbeatElapsed >= core.config.heartbeatTicks) core.state.heartbeatDue = true;
  }

  /** A message from another member. Answers what is wrong with it; then nothing has changed. */
  step(message: Message): string | undefined {
    const problem = messageProblem(this.#core, message);
    if (problem === undefined) step(this.#core, message);
    return problem;
  }

  /** What is wrong with a message; undefined when it may be stepped, or the snapshot it tells of installed. */
  problemOf(message: Message): string | undefined {
    return messageProblem(this.#core, message);
  }

  /** Campaigns now instead of after a timeout. */
  campaign(): void {
    campaign(this.#core, "preVote");
  }

  /** Makes the first campaign come soon: for a member that just started and cannot have heard of a leader. Harmless where
   *  there is one, since its followers refuse the pre-vote. */
  hurry(): void {
    const core = this.#core;
    const { electionTicks } = core.config;
    if (core.electionElapsed >= electionTicks) return;
    core.electionElapsed = electionTicks;
    // Chance still keeps members apart that notice at the same moment.
    core.electionTimeout = core.drawElectionTimeout();
  }

  /** Puts a proposal into the log; a follower passes it on to the leader. It enters the log in the present term or never. */
  propose(proposal: Proposal): ProposeResult {
    const core = this.#core;
    if (core.state.role === "leader") {
      if (!takesProposals(core, core.state)) return "dropped";
      return appendProposal(core, core.state, proposal) ? "accepted" : "tooMany";
    }
    if (core.leader === nobody) return "noLeader";
    core.forwarding.push({ term: core.term, type: proposal.type, data: proposal.data });
    return "accepted";
  }

  /** `data`: a serialized ConfChange. "pending": another change is not applied yet. "dropped" also by a leader that the change
   *  would take out: it hands over first. */
  proposeConfChange(data: Uint8Array): ProposeResult | "pending" {
    const core = this.#core;
    const { state } = core;
    if (state.role === "leader") {
      if (state.pendingConfIndex > core.log.applied) return "pending";
      if (takesProposals(core, state) && handsOverInstead(core, state, data)) return "dropped";
    }
    const result = this.propose({ type: "confChange", data });
    if (result === "accepted" && core.state.role === "leader")
      core.state.pendingConfIndex = core.log.lastIndex;
    return result;
  }

  /** A configuration change was applied: `conf` is in force from here on. */
  applyConfChange(conf: ConfState): void {
    adoptConf(this.#core, conf);
  }

  /** Asks for an index to read at; the answer comes as a ReadState. `requestId` must never be used twice, not even by a
   *  restarted member. False when there is no leader to ask or too many reads wait. */
  readIndex(requestId: bigint): boolean {
    return requestRead(this.#core, requestId);
  }

  /** Hands leadership to a voter. */
  transferLeader(to: MemberId): "started" | "notLeader" | "badTarget" {
    const core = this.#core;
    const { state } = core;
    if (state.role !== "leader") return "notLeader";
    if (!core.conf.voters.includes(to)) return "badTarget";
    startTransfer(core, state, to);
    return "started";
  }

  /** Messages to this member are being lost. */
  reportUnreachable(id: MemberId): void {
    const { state, leader } = this.#core;
    // A leader whose process died is noticed at once; if it lives, its next heartbeat undoes this.
    if (state.role === "follower" && leader === id) this.hurry();
    const progress = state.role === "leader" ? state.progress.get(id) : undefined;
    // Appends on their way are probably gone.
    if (progress?.feed.state === "replicate") progress.becomeProbe();
  }

  /** The stream of a snapshot ended. */
  reportSnapshot(id: MemberId, outcome: "delivered" | "failed"): void {
    const { state } = this.#core;
    const progress = state.role === "leader" ? state.progress.get(id) : undefined;
    if (progress?.feed.state !== "snapshot") return;
    if (outcome === "failed") progress.becomeSnapshot(0);
    progress.becomeProbe();
    // Either way its answer tells where it stands; until then, and until a heartbeat comes back, wait.
    progress.sent(0, 0);
  }

  /** Whether `ready()` has anything to say. */
  hasReady(caller: CallerState = {}): boolean {
    const core = this.#core;
    const { state } = core;
    return (
      core.messages.length > 0 ||
      core.readStates.length > 0 ||
      core.dropped.length > 0 ||
      core.forwarding.length > 0 ||
      (state.role === "leader" && (state.broadcastDue || state.heartbeatDue)) ||
      (caller.isApplyBusy !== true &&
        core.log.applicable > this.#handedToApply &&
        !this.#isHeldBack(this.#handedToApply + 1)) ||
      this.#softStateChanged() ||
      (caller.isDiskBusy !== true && this.#hasToPersist())
    );
  }

  #softStateChanged(): boolean {
    const { role, leader, term } = this.#announced;
    const core = this.#core;
    return role !== core.role || leader !== core.leader || term !== core.term;
  }

  /** A configuration takes effect only when the commit index is on disk. Otherwise the one of two members that stays could
   *  forget, when its power fails, that it needs the other no more, and wait for it for ever. */
  #isHeldBack(index: Index): boolean {
    const { log, durableCommit } = this.#core;
    return index > durableCommit && index <= log.applicable && log.entry(index).type === "confChange";
  }

  /** A commit index that moved is no reason to write: it goes along with the next batch. */
  #hasToPersist(): boolean {
    const core = this.#core;
    return (
      !this.#isWriting &&
      (core.log.hasUnpersisted() ||
        core.messagesAfterAppend.length > 0 ||
        core.installed !== undefined ||
        this.#voteChanged() ||
        this.#isHeldBack(this.#handedToApply + 1))
    );
  }

  #voteChanged(): boolean {
    return this.#core.term !== this.#writtenHardState.term || this.#core.vote !== this.#writtenHardState.vote;
  }

  /** Takes out everything that waits. */
  ready(caller: CallerState = {}): Ready {
    const core = this.#core;
    this.#forward();
    if (core.state.role === "leader") {
      if (core.state.heartbeatDue) broadcastHeartbeat(core, core.state);
      if (core.state.broadcastDue) broadcast(core, core.state);
    }
    const softState = this.#softStateChanged()
      ? { role: core.role, leader: core.leader, term: core.term }
      : undefined;
    if (softState !== undefined) this.#announced = softState;
    const persist =
      caller.isDiskBusy !== true && this.#hasToPersist() ? this.#takePersist() : nothingToPersist;
    const committedEntries = caller.isApplyBusy === true ? [] : this.#takeCommitted();
    const { messages, readStates, dropped } = core;
    core.messages = [];
    core.readStates = [];
    core.dropped = [];
    return { ...(softState && { softState }), messages, ...persist, committedEntries, readStates, dropped };
  }

  #forward(): void {
    const core = this.#core;
    if (core.forwarding.length === 0) return;
    // A proposal is for the leader of its term alone: once a later term has begun it can never enter the log any more, so
    // that whoever waits for it may propose it again.
    const ofThisTerm = core.forwarding.filter(({ term }) => term === core.term);
    const entries = ofThisTerm.map(({ type, data }) => ({ term: 0, index: 0, type, data }));
    core.forwarding = [];
    if (entries.length > 0 && core.leader !== nobody && core.leader !== core.id)
      core.send({ type: "propose", to: core.leader, entries });
  }

  #takePersist() {
    const core = this.#core;
    const entries = core.log.takeUnpersisted();
    const hardState = { term: core.term, vote: core.vote, commit: core.log.committed };
    const isNew = this.#voteChanged() || hardState.commit !== this.#writtenHardState.commit;
    const sync =
      this.#voteChanged() ||
      entries.length > 0 ||
      core.installed !== undefined ||
      this.#isHeldBack(this.#handedToApply + 1);
    const snapshot = core.installed;
    const messagesAfterAppend = core.messagesAfterAppend;
    core.messagesAfterAppend = [];
    if (sync) {
      this.#writtenHardState = hardState;
      this.#writingCommit = hardState.commit;
    }
    this.#isWriting = true;
    this.#writingSnapshot = snapshot;
    return {
      entries,
      sync,
      messagesAfterAppend,
      mustPersist: true,
      ...(snapshot && { snapshot }),
      ...(sync && isNew && { hardState }),
    };
  }

  #takeCommitted(): readonly Entry[] {
    const { log, config } = this.#core;
    const from = this.#handedToApply + 1;
    const to = Math.min(log.applicable + 1, from + config.limits.applyEntriesMax);
    if (from >= to) return [];
    const taken = log.slice(from, to, config.limits.applyBytesMax);
    const held = taken.findIndex(({ index }) => this.#isHeldBack(index));
    const entries = held < 0 ? taken : taken.slice(0, held);
    this.#handedToApply = from + entries.length - 1;
    return entries;
  }

  /** What `ready()` gave to persist is durable; its last entry was `index` of `term` (0, 0 when it had none). */
  persisted(index: Index, term: Term): void {
    assert(this.#isWriting, "nothing was to be persisted");
    this.#isWriting = false;
    const core = this.#core;
    confirmCommit(core, this.#writingCommit);
    if (core.installed === this.#writingSnapshot) core.installed = undefined;
    if (index > 0) core.log.persisted({ index, term });
    const written = this.#writtenHardState;
    if (core.role === "candidate" && written.term === core.term && written.vote === core.id) {
      recordVote(core, core.id, true);
    }
    if (core.state.role === "leader") maybeCommit(core, core.state);
  }

  /** Everything up to `index` is in the state machine. */
  applied(index: Index): void {
    const { log } = this.#core;
    if (index <= log.applied) return;
    log.appliedTo(index);
    this.#handedToApply = Math.max(this.#handedToApply, index);
  }

  /** Forgets entries up to `index`; followers that lack them will be sent a snapshot. */
  compact(index: Index): void {
    this.#core.log.compactTo(index);
  }

  /** The state machine was replaced by the snapshot of `message`: the log follows, whatever the term has become. */
  installSnapshot(message: Message): void {
    const core = this.#core;
    if (message.term >= core.term && core.role !== "leader") step(core, message);
    else installSnapshot(core, message);
    this.#handedToApply = Math.max(this.#handedToApply, core.log.applied);
  }

  /** What would survive if it were written now: the commit index is held back to what is durable here. */
  durableHardState(): HardState {
    const { term, vote, log } = this.#core;
    return { term, vote, commit: log.applicable };
  }

  get id(): MemberId {
    return this.#core.id;
  }

  get role(): Role {
    return this.#core.role;
  }

  get leader(): MemberId {
    return this.#core.leader;
  }

  get term(): Term {
    return this.#core.term;
  }

  get committed(): Index {
    return this.#core.log.committed;
  }

  get appliedIndex(): Index {
    return this.#core.log.applied;
  }

  get lastIndex(): Index {
    return this.#core.log.lastIndex;
  }

  /** Who shall lead next; nobody when no transfer is under way, or this member does not lead. */
  get transferee(): MemberId {
    const { state } = this.#core;
    return state.role === "leader" ? state.transferee : nobody;
  }

  /** The term of an entry; undefined when it was compacted away or does not exist. */
  termAt(index: Index): Term | undefined {
    return this.#core.log.term(index);
  }

  /** The first entry that a follower may still be sent from the log; past the last one where nobody lacks any. */
  get wantedFrom(): Index {
    return wantedFrom(this.#core);
  }

  get logBytes(): number {
    return this.#core.log.bytes;
  }

  get conf(): ConfState {
    return this.#core.conf;
  }

  status(): RaftStatus {
    return statusOf(this.#core);
  }
}

const nothingToPersist = {
  entries: [] as readonly Entry[],
  sync: false,
  messagesAfterAppend: [] as readonly Message[],
  mustPersist: false,
};
