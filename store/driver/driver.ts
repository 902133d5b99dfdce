import { assert } from "../../base/assert.ts";
import { ownSetImmediate } from "../../base/os/own-timers.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { StoreError } from "../errors.ts";
import type { RawNode } from "../raft/node.ts";
import type { Ready } from "../raft/ready.ts";
import type { RaftStatus } from "../raft/status.ts";
import type {
  ConfChange,
  ConfState,
  EntryContent,
  Index,
  MemberId,
  Message,
  SnapshotMeta,
} from "../raft/types.ts";
import { applyCommitted } from "./apply-committed.ts";
import { decodeConfChange, encodeConfChange } from "./conf-change-wire.ts";
import { type DriverConfig, type DriverParts, driverLimits, electionTicks } from "./config.ts";
import { points } from "./failpoints.ts";
import { LogMarks } from "./log-marks.ts";
import { type DriverMetrics, driverMetrics } from "./metrics.ts";
import { PeerInputError } from "./peer-input.ts";
import { readRounds } from "./read-ids.ts";
import type { ReadRounds } from "./read-rounds.ts";
import type { Consensus, ConsensusStatus, DroppedProposal } from "./seams.ts";
import { sendSnapshot } from "./send-snapshot.ts";
import { StandingLog } from "./standing-log.ts";
import { campaignIfAlone, startRaft } from "./start-raft.ts";
import { consensusStatus } from "./status.ts";
import { Ticker } from "./ticker.ts";
import { Transfers } from "./transfers.ts";

/** The one loop of a member. It alone decides what happens before what; `#driveOnce` is that order. Inputs change the pure
 *  state machine at once and synchronously; effects follow in the next turn of the event loop, so that whatever came in
 *  together goes out together: one message per peer, one fdatasync.
 *  Invariant: at most one operation of the durable log is under way (`#isDiskBusy`). */
export class Driver implements Consensus {
  readonly #raft: RawNode;
  readonly #parts: DriverParts;
  readonly #metrics: DriverMetrics;
  readonly #tasks: TaskScope;
  readonly #ticker: Ticker;
  readonly #reads: ReadRounds;
  readonly #marks: LogMarks;
  readonly #transfers: Transfers;
  readonly #standing: StandingLog;
  readonly #heartbeatMs: number;
  readonly #listeners = new Set<(status: ConsensusStatus) => void>();
  readonly #dropListeners = new Set<(dropped: DroppedProposal) => void>();
  #leader: MemberId = 0n;
  #isScheduled = false;
  #isDiskBusy = false;
  #isInstalling = false;
  /** An entry is being applied that takes several turns. */
  #applying: Promise<void> | undefined;
  /** When the flush began that the log is marked with next. */
  #flushBeganMs = 0;
  /** The state machine's memory is full; nothing is applied until the disk has caught up. */
  #isFull = false;
  #isStopped = false;

  private constructor(config: DriverConfig, parts: DriverParts, raft: RawNode) {
    this.#raft = raft;
    this.#parts = parts;
    this.#metrics = driverMetrics(parts.metrics, raft);
    this.#tasks = new TaskScope(parts.logger);
    this.#heartbeatMs = config.heartbeatMs;
    this.#transfers = new Transfers(electionTicks(config));
    this.#standing = new StandingLog(config.id, parts.logger);
    this.#reads = readRounds(config, parts.random);
    this.#marks = new LogMarks(config, { index: raft.appliedIndex, conf: raft.conf });
    this.#ticker = new Ticker(parts.clock, config.heartbeatMs, (lateMs) => this.#tick(lateMs));
  }

  /** Takes up the log and starts to take part. Rejects when log and state machine do not fit together. */
  static async open(config: DriverConfig, parts: DriverParts): Promise<Driver> {
    const raft = await startRaft(config, parts);
    const driver = new Driver(config, parts, raft);
    driver.#ticker.start();
    driver.#wake();
    return driver;
  }

  /** Resolves after `stop`; rejects when the member cannot go on: its disk failed, or an invariant broke. */
  get done(): Promise<void> {
    return this.#tasks.untilStopped();
  }

  // ---- inputs -------------------------------------------------------------------------------------------------------

  /** A message of another member; snapshots come through `receiveSnapshot`. Throws PeerInputError when it cannot be taken;
   *  then it changes nothing. */
  step(message: Message): void {
    if (this.#isStopped) return;
    if (points.dropHeartbeat.armed && message.type === "heartbeat")
      if (points.dropHeartbeat.returned() !== undefined) return;
    if (message.type === "snapshot") throw new PeerInputError("a snapshot without its state");
    let problem: string | undefined;
    this.#input(() => {
      problem = this.#raft.step(message);
    });
    if (problem !== undefined) throw new PeerInputError(problem);
  }

  propose(data: Uint8Array, content?: EntryContent): ReturnType<Consensus["propose"]> {
    if (this.#isStopped) return "noLeader";
    const result = this.#raft.propose({ type: "normal", data, content });
    if (result === "accepted") this.#wake();
    return result;
  }

  proposeConfChange(change: ConfChange): ReturnType<Consensus["proposeConfChange"]> {
    if (this.#isStopped) return "noLeader";
    const result = this.#raft.proposeConfChange(encodeConfChange(change));
    if (result === "accepted") this.#wake();
    return result === "tooMany" ? "pending" : result;
  }

  readIndex(signal?: AbortSignal): Promise<Index> {
    if (this.#isStopped) return Promise.reject(new StoreError("STOPPED"));
    const answer = this.#reads.wait(signal);
    this.#wake();
    return answer;
  }

  /** Messages to this member are lost: its connection broke or was refused. */
  reportUnreachable(id: MemberId): void {
    this.#input(() => this.#raft.reportUnreachable(id));
  }

  async transferLeadership(to: MemberId): Promise<void> {
    if (this.#isStopped) throw new StoreError("STOPPED");
    const outcome = this.#raft.transferLeader(to);
    if (outcome === "notLeader") throw new StoreError("NOT_LEADER");
    if (outcome === "badTarget") throw new StoreError("BAD_LEADER_TRANSFEREE");
    this.#wake();
    if (to !== this.#raft.id) await this.#transfers.wait(to);
  }

  /** The leader sends the whole state. Resolves when it is installed; rejects, with nothing changed, when it cannot be taken
   *  (PeerInputError), the stream breaks or another snapshot is being installed. */
  async receiveSnapshot(message: Message, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#isStopped) throw new StoreError("STOPPED");
    const meta = message.snapshot;
    if (meta === undefined)
      throw new PeerInputError("a snapshot's stream that does not begin with its place");
    const problem = this.#raft.problemOf(message);
    if (problem !== undefined) throw new PeerInputError(problem);
    if (message.term < this.#raft.term)
      throw new PeerInputError(
        `a snapshot of term ${message.term}, while this member is in term ${this.#raft.term}`,
      );
    if (this.#isInstalling)
      throw new StoreError("TOO_MANY_REQUESTS", { reason: "a snapshot is being installed" });
    if (meta.index > this.#raft.committed) {
      this.#isInstalling = true; // nothing is applied meanwhile
      const told = { index: meta.index, term: meta.term, from: message.from };
      this.#parts.logger.info("applying snapshot", told);
      this.#metrics.snapshotInstalling.inc();
      try {
        await this.#applying;
        if (points.beforeApplySnapshot.armed) await points.beforeApplySnapshot.pass();
        await this.#parts.machine.restore(meta, chunks);
        if (points.afterApplySnapshot.armed) await points.afterApplySnapshot.pass();
      } finally {
        this.#isInstalling = false;
        this.#metrics.snapshotInstalling.dec();
      }
      this.#parts.logger.info("applied snapshot", told);
    }
    this.#input(() => this.#followSnapshot(message, meta));
  }

  /** The state machine stands at the snapshot, or past it, or will be there by applying what is committed already; the log
   *  follows. */
  #followSnapshot(message: Message, meta: SnapshotMeta): void {
    this.#raft.installSnapshot(message);
    if (this.#parts.machine.appliedIndex !== meta.index) return;
    this.#raft.applied(meta.index);
    this.#raft.applyConfChange(meta.conf);
    this.#marks.confChanged(meta.index, meta.conf);
  }

  // ---- what others see ----------------------------------------------------------------------------------------------

  get status(): ConsensusStatus {
    return consensusStatus(this.#raft);
  }

  /** All that the state machine tells of itself, for those who look into it. */
  get raftStatus(): RaftStatus {
    return this.#raft.status();
  }

  onLeadership(listener: (status: ConsensusStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onDropped(listener: (dropped: DroppedProposal) => void): () => void {
    this.#dropListeners.add(listener);
    return () => this.#dropListeners.delete(listener);
  }

  /** Takes no further part; waits until nothing is under way. The durable log may be closed thereafter. */
  async stop(): Promise<void> {
    this.#halt();
    await this.#tasks.stop();
  }

  #halt(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#ticker.stop();
    this.#reads.stop(new StoreError("STOPPED"));
    this.#transfers.stop();
  }

  /** Ends the member: an effect failed or an invariant broke, and going on could break a promise. */
  #fail(error: unknown): void {
    this.#halt();
    this.#tasks.run("consensus", () => Promise.reject(error));
  }

  #input(change: () => void): void {
    if (this.#isStopped) return;
    this.#guard(change);
    if (this.#hasWork()) this.#wake(); // the answer to a heartbeat, for one, usually makes none
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #tick(lateMs: number): void {
    this.#metrics.eventLoopDelay.observe(lateMs / 1000);
    if (lateMs > this.#heartbeatMs && this.#raft.role === "leader") {
      this.#metrics.heartbeatFailures.inc();
      this.#parts.logger.warn("leader failed to send out heartbeat on time", { lateMs: Math.round(lateMs) });
    }
    this.#reads.tick(() => new StoreError(this.#raft.leader === 0n ? "NO_LEADER" : "TIMEOUT"));
    this.#guard(() => this.#raft.tick());
    this.#transfers.tick(this.#raft);
    if (this.#hasWork()) this.#wake();
  }

  // ---- the loop -----------------------------------------------------------------------------------------------------

  #wake(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    (this.#parts.defer ?? ownSetImmediate)(() => {
      this.#isScheduled = false;
      this.#drive();
    });
  }

  get #callerState() {
    return {
      isDiskBusy: this.#isDiskBusy,
      isApplyBusy: this.#isInstalling || this.#isFull || this.#applying !== undefined,
    };
  }

  #hasWork(): boolean {
    return this.#reads.isWaiting || this.#marks.isDue(this.#raft) || this.#raft.hasReady(this.#callerState);
  }

  #drive(): void {
    if (this.#isStopped) return;
    this.#guard(() => {
      this.#reads.start((id) => this.#raft.readIndex(id));
      for (let turn = 0; this.#raft.hasReady(this.#callerState); turn++) {
        if (turn === driverLimits.readysPerTurn) {
          this.#wake();
          return;
        }
        this.#driveOnce(this.#raft.ready(this.#callerState));
      }
      this.#shortenLog();
    });
  }

  /** The order of effects. */
  #driveOnce(ready: Ready): void {
    const raft = this.#raft;
    this.#passBeforeSend();
    this.#send(ready.messages); //                          may overtake our own disk
    if (ready.mustPersist) this.#persist(ready); //         starts the one fdatasync of this batch, and then acknowledges
    const conf = raft.conf;
    const { machine } = this.#parts;
    const applying = applyCommitted(ready.committedEntries, { raft, machine }); // while it runs: these are durable already
    if (applying !== undefined) this.#applyOn(applying, conf);
    else if (ready.committedEntries.length > 0) this.#applied(conf);
    for (const { requestId, index } of ready.readStates) this.#reads.answered(requestId, index);
    for (const proposal of ready.dropped) this.#announceDropped(proposal);
    if (ready.softState !== undefined) this.#announce();
    if (points.beforeAdvance.armed) points.beforeAdvance.block();
  }

  /** A large entry takes several turns; everything but applying goes on meanwhile. */
  #applyOn(applying: Promise<void>, confBefore: ConfState): void {
    this.#applying = applying;
    this.#tasks.run("apply", async () => {
      try {
        await applying;
      } catch (error) {
        this.#halt();
        throw error;
      }
      this.#applying = undefined;
      if (this.#isStopped) return;
      this.#guard(() => this.#applied(confBefore));
      this.#wake();
    });
  }

  #applied(confBefore: ConfState): void {
    const raft = this.#raft;
    if (raft.conf !== confBefore) this.#marks.confChanged(raft.appliedIndex, raft.conf);
    campaignIfAlone(raft);
    this.#checkRoom();
  }

  #checkRoom(): void {
    if (this.#isFull) return;
    const room = this.#parts.machine.room();
    if (room === undefined) return;
    this.#isFull = true;
    const goOn = () => {
      this.#isFull = false;
      this.#wake();
    };
    room.then(goOn, () => undefined); // a state that gets nothing to disk any more ends the member
  }

  /** Writes, syncs, and only then sends what promises durability. Nothing else uses the log meanwhile. */
  #persist(ready: Ready): void {
    if (!ready.sync) {
      this.#persisted(ready);
      return;
    }
    const { log, faults } = this.#parts;
    const { entries, snapshot } = ready;
    const hardState =
      faults?.skipPersistVote === true && ready.hardState !== undefined
        ? { ...ready.hardState, vote: 0n }
        : ready.hardState;
    const early = faults?.ackBeforeSync === true;
    if (early) this.#persisted(ready);
    this.#useLog(
      async () => {
        if (points.beforeSave.armed) await points.beforeSave.pass();
        if (snapshot !== undefined && points.beforeSaveSnapshot.armed) await points.beforeSaveSnapshot.pass();
        await log.append({
          ...(snapshot && { snapshot }),
          ...(hardState && { hardState }),
          entries,
          sync: true,
        });
        if (snapshot !== undefined && points.afterSaveSnapshot.armed) await points.afterSaveSnapshot.pass();
        if (points.afterSave.armed) await points.afterSave.pass();
      },
      () => {
        if (!early) this.#persisted(ready);
      },
    );
  }

  #persisted(ready: Ready): void {
    const last = ready.entries.at(-1);
    this.#raft.persisted(last?.index ?? 0, last?.term ?? 0);
    if (ready.messagesAfterAppend.length > 0) this.#passBeforeSend();
    this.#send(ready.messagesAfterAppend);
  }

  /** Runs one operation of the durable log; a failure ends the member, since nobody knows what the disk holds then. */
  #useLog(operation: () => Promise<void>, then: () => void): void {
    assert(!this.#isDiskBusy, "operations of the durable log must not overlap");
    this.#isDiskBusy = true;
    this.#tasks.run("log", async () => {
      try {
        await operation();
      } catch (error) {
        this.#halt();
        throw error;
      }
      this.#isDiskBusy = false;
      if (this.#isStopped) return;
      this.#guard(then);
      this.#drive();
    });
  }

  #passBeforeSend(): void {
    const point = this.#raft.role === "leader" ? points.beforeLeaderSend : points.beforeFollowerSend;
    if (point.armed) point.block();
  }

  #send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const ordinary = messages.filter((message) => message.type !== "snapshot");
    if (ordinary.length > 0) this.#parts.peers.send(ordinary);
    for (const message of messages) if (message.type === "snapshot") this.#sendSnapshot(message);
  }

  #sendSnapshot(message: Message): void {
    const send = sendSnapshot(message, { ...this.#parts, raft: this.#raft, marks: this.#marks });
    this.#tasks.run("snapshot.send", async (signal) => {
      const outcome = await send(signal);
      this.#input(() => this.#raft.reportSnapshot(message.to, outcome));
    });
  }

  #announce(): void {
    const { leader } = this.#raft;
    this.#standing.tell(this.#raft);
    if (leader !== this.#leader) {
      if (leader !== 0n) this.#metrics.leaderChanges.inc();
      this.#leader = leader;
      this.#transfers.led(leader);
      this.#reads.restart();
      if (this.#reads.isWaiting) this.#wake();
    }
    const { status } = this;
    for (const listener of [...this.#listeners]) listener(status);
  }

  #announceDropped({ type, data }: Ready["dropped"][number]): void {
    const dropped: DroppedProposal =
      type === "normal" ? { type: "request", data } : { type: "confChange", id: decodeConfChange(data).id };
    for (const listener of [...this.#dropListeners]) listener(dropped);
  }

  /** Lets go of the log that the backend has made durable, now and then. */
  #shortenLog(): void {
    const { machine, log, clock } = this.#parts;
    if (this.#marks.isDue(this.#raft) && !this.#isInstalling) {
      this.#marks.started();
      this.#flushBeganMs = clock.monotonicMs();
      this.#tasks.run("backend.flush", async () => {
        this.#marks.flushed(await machine.flush());
        this.#wake();
      });
    }
    if (this.#isDiskBusy) return;
    const meta = this.#marks.takeFlushed();
    if (meta === undefined) return;
    this.#useLog(
      async () => {
        // A mark counts only up to the commit index on disk.
        await log.append({ hardState: this.#raft.durableHardState(), entries: [], sync: false });
        const beganMs = clock.monotonicMs();
        if (points.beforeMark.armed) await points.beforeMark.pass();
        await log.markSnapshot(meta);
        if (points.afterRelease.armed) await points.afterRelease.pass();
        const nowMs = clock.monotonicMs();
        this.#metrics.snapshotSyncSeconds.observe((nowMs - beganMs) / 1_000);
        this.#metrics.snapshotSaveSeconds.observe((nowMs - this.#flushBeganMs) / 1_000);
      },
      () => {
        if (this.#marks.finished(meta, this.#raft))
          this.#parts.logger.warn("a follower is too slow: what it lacks of the log is let go", {
            upTo: meta.index,
          });
      },
    );
  }
}
