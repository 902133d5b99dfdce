import { type Deferred, deferred } from "../base/deferred.ts";
import type { Clock } from "../base/os/clock.ts";
import type { Disk } from "../base/os/disk.ts";
import type { Log } from "../base/os/log.ts";
import type { MetricsRegistry } from "../base/os/metrics.ts";
import type { Random } from "../base/os/random.ts";
import { Turns } from "../base/slices.ts";
import type { Tracer } from "../base/tracing/tracer.ts";
import { openState, type State, type StateConfig, type StateDeps } from "./apply/state.ts";
import { type AuthConfig, authDefaults, makeTokens, usableBcryptCost } from "./auth/auth-config.ts";
import { type Passwords, PasswordThread } from "./auth/password-thread.ts";
import type { TokenFaults } from "./auth/simple-tokens.ts";
import type { Tokens } from "./auth/tokens.ts";
import type { BackendHome } from "./backend/home.ts";
import { type CorruptionChecks, CorruptionMonitor } from "./corruption/monitor.ts";
import type { DriverParts } from "./driver/config.ts";
import { Driver } from "./driver/driver.ts";
import type { DurableLog, PeerLinks } from "./driver/seams.ts";
import { checkEntries } from "./entry-problem.ts";
import { isConnectedFor } from "./membership/connections.ts";
import type { Member } from "./membership/member.ts";
import { ClusterMembers } from "./membership/membership-state.ts";
import { olderThanCluster } from "./membership/older-than-cluster.ts";
import type { Identity, Remote } from "./open-log.ts";
import { peerAnswers } from "./peer-questions.ts";
import { appliedOrGivenUp } from "./propose/applied-wait.ts";
import { AutoCompactor } from "./propose/auto-compactor.ts";
import type { AutoCompaction } from "./propose/compaction-plan.ts";
import { LeaseDesk } from "./propose/lease-desk.ts";
import { LeaseExpiry } from "./propose/lease-expiry.ts";
import { LinearizableReads } from "./propose/linearizable-reads.ts";
import { type ProposeFaults, Proposer, requestTimeoutMs } from "./propose/proposer.ts";
import { RequestIds } from "./propose/request-ids.ts";
import { VersionMonitor } from "./propose/version-monitor.ts";
import type { RaftLimits } from "./raft/config.ts";
import type { Index, MemberId, Message } from "./raft/types.ts";
import { RequestTimes } from "./request-times.ts";
import { Access } from "./rpc/auth/access.ts";
import type { Handlers } from "./rpc/handler.ts";
import { HeaderBytes } from "./rpc/header-bytes.ts";
import { LeaderGuard } from "./rpc/leader-guard.ts";
import type { MemberParts } from "./rpc/member.ts";
import { rpcMetrics } from "./rpc/metrics.ts";
import { serviceTable } from "./rpc/service-table.ts";
import { tracedHandlers } from "./rpc/traced-handlers.ts";
import { memberVersions } from "./transport/peer/versions.ts";
import type { Recovered } from "./wal/recovery.ts";

export interface MemberConfig {
  readonly dataDir: string;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotCount: number;
  readonly quotaBytes: number;
  readonly maxRequestBytes: number;
  readonly maxTxnOps: number;
  readonly maxLearners: number;
  readonly strictReconfigCheck: boolean;
  readonly watchProgressMs: number;
  /** How often the leader has all members know how much time leases have left; absent: never. */
  readonly leaseCheckpointMs?: number | undefined;
  /** --warning-apply-duration; 100 ms if not given. */
  readonly warningApplyMs?: number;
  /** Undefined: only clients compact. */
  readonly autoCompaction?: AutoCompaction | undefined;
  readonly version: string;
  /** Between two looks whether a downgrade is through; 0: it ends only when it is cancelled. */
  readonly downgradeCheckMs?: number | undefined;
  /** How often members' data is compared; absent: never. */
  readonly corruptionChecks?: CorruptionChecks;
  /** Absent: etcd's defaults. */
  readonly auth?: AuthConfig;
  /** Bounds that simulation makes small, so that it gets to where they matter. */
  readonly tuning?: {
    readonly raft?: RaftLimits;
    readonly catchUpEntries?: number;
    readonly logBytesMax?: number;
    readonly watch?: NonNullable<StateConfig["watch"]>;
    readonly slices?: NonNullable<StateConfig["slices"]>;
    readonly values?: NonNullable<StateConfig["values"]>;
    readonly checkpoints?: NonNullable<StateConfig["checkpoints"]>;
  };
}

/** Links to the other members, beyond what consensus needs of them. */
export interface Peers extends PeerLinks {
  /** Asks a member what only it can answer; rejects with the StoreError it answered, and with TIMEOUT, of its own accord where
   *  `withinMs` is not given. */
  ask(to: MemberId, kind: string, id: bigint, withinMs?: number): Promise<Uint8Array>;
  /** How long the connection with a member has stood; 0 without one. */
  connectedForMs(id: MemberId): number;
}

/** What comes in from other members. */
export interface FromPeers {
  /** Throws PeerInputError for what cannot be taken; then nothing has changed. */
  readonly onMessage: (message: Message) => void;
  readonly onSnapshot: (message: Message, chunks: AsyncIterable<Uint8Array>) => Promise<void>;
  readonly onQuestion: (kind: string, id: bigint) => Promise<Uint8Array>;
  /** Whether a member was taken out of the cluster. */
  readonly isRemoved: (id: MemberId) => boolean;
}

/** Every door of a member; a simulator hands in its own. */
export interface MemberDoors {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  /** Opened after the database, whose applied index it is handed. */
  readonly openLog: (appliedIndex: Index) => Promise<{
    readonly log: DurableLog;
    readonly recovered: Omit<Recovered, "metadata">;
    readonly identity: Identity;
    readonly remotes?: readonly Remote[];
  }>;
  /** Begins to take in what peers send once `ready` resolved. */
  readonly openPeers: (identity: Identity) => Peers;
  /** In place of a thread that hashes. */
  readonly passwords?: Passwords;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** In place of LevelDB under the data directory. */
  readonly home?: BackendHome;
  readonly defer?: (run: () => void) => void;
  /** Between two slices of work that nobody waits for, in place of a while by the clock. */
  readonly pause?: (() => Promise<void>) | undefined;
  readonly faults?: DriverParts["faults"] & StateDeps["faults"] & ProposeFaults & TokenFaults;
}

/** A whole member without its sockets: bytes in and bytes out by method path (`handlers`), messages from peers. */
export interface StoreMember {
  readonly identity: Identity;
  readonly handlers: Handlers;
  readonly fromPeers: FromPeers;
  /** The connection to a member broke. */
  readonly unreachable: (id: MemberId) => void;
  /** Another member says that this one was taken out of the cluster. */
  readonly removed: () => void;
  readonly parts: MemberParts;
  readonly proposer: Proposer;
  readonly state: State;
  readonly driver: Driver;
  /** Resolves after `stop`; rejects when the member cannot go on. */
  readonly done: Promise<void>;
  /** Ends everything but the log, which belongs to the caller. */
  stop(): Promise<void>;
}

/** This member was taken out of the cluster; its data is of no use any more. */
export class MemberRemovedError extends Error {
  override readonly name = "MemberRemovedError";
  readonly operator = true;

  constructor(id: MemberId) {
    super(
      `the member ${id.toString(16)} has been permanently removed from the cluster; ` +
        "to bring this machine back, add it as a new member and start it with an empty --data-dir",
    );
  }
}

/** What the state tells of is known only after the state was opened. */
interface Late {
  proposer?: Proposer;
  expiry?: LeaseExpiry;
  peers?: Peers;
  identity?: Identity;
  noSpace?: () => void;
  remotes: readonly Remote[];
}

export async function createMember(config: MemberConfig, doors: MemberDoors): Promise<StoreMember> {
  const { clock, metrics } = doors;
  const ending = deferred<void>();
  ending.promise.catch(() => undefined); // heard by whoever runs the member
  // The state is opened first, but what it tells goes to stages that are built after it.
  const late: Late = { remotes: [] };
  const onMembers = (members: readonly Member[]) => {
    const self = late.identity?.memberId;
    // Until the log has told of this member itself, the leader may be one that the log has not told of either.
    const isJoining = !members.some((member) => member.id === self);
    const peers = new Map(
      [...(isJoining ? late.remotes : []), ...members].map((one) => [one.id, one.peerUrls]),
    );
    late.peers?.setPeers([...peers].map(([id, urls]) => ({ id, urls })));
    if (self !== undefined && clusterMembers.isRemoved(self)) ending.reject(new MemberRemovedError(self));
  };
  const clusterMembers = new ClusterMembers({
    onMembers,
    onMade: (what, { id, peerUrls, isLearner }) =>
      doors.log.info(what, { "member-id": id, "peer-urls": peerUrls, "is-learner": isLearner }),
    onConfChange: (id, refused) => late.proposer?.confChangeApplied(id, refused),
    onClusterVersion: (agreed) => {
      const problem = olderThanCluster(config.version, agreed);
      if (problem !== undefined) ending.reject(problem);
    },
  });
  const { dataDir, quotaBytes, electionMs, tuning = {} } = config;
  const turns = new Turns(doors.defer);
  const { auth = authDefaults } = config;
  const tokens = makeTokens(auth, {
    random: doors.random,
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    faults: doors.faults,
    applied: (index, call) =>
      appliedOrGivenUp(state.reader, clock, requestTimeoutMs(electionMs))(index, call),
  });
  const state: State = await openState(
    {
      dataDir,
      quotaBytes,
      electionMs,
      leaseCheckpointMs: config.leaseCheckpointMs,
      ...(config.warningApplyMs !== undefined && { warningApplyMs: config.warningApplyMs }),
      ...(tuning.watch && { watch: tuning.watch }),
      ...(tuning.slices && { slices: tuning.slices }),
      ...(tuning.values && { values: tuning.values }),
      ...(tuning.checkpoints && { checkpoints: tuning.checkpoints }),
    },
    {
      clock,
      disk: doors.disk,
      meter: metrics,
      log: doors.log.child("state"),
      membership: clusterMembers,
      tokens,
      onApplied: (id, result, at) => late.proposer?.applied(id, result, at),
      onTermApplied: (term) => late.expiry?.termApplied(term),
      onNoSpace: () => late.noSpace?.(),
      onFailure: ending.reject,
      ...(doors.home && { home: doors.home }),
      turns,
      pause: doors.pause,
      ...(doors.faults && { faults: doors.faults }),
    },
  );
  try {
    const opened = await doors.openLog(state.appliedIndex);
    const { identity } = opened;
    const peers = doors.openPeers(identity);
    Object.assign(late, { peers, identity, remotes: opened.remotes ?? [] });
    onMembers(clusterMembers.all());
    const driver = await openDriver(config, doors, { ...opened, peers, state });
    return join(config, doors, {
      driver,
      state,
      peers,
      identity,
      clusterMembers,
      ending,
      late,
      turns,
      tokens,
    });
  } catch (error) {
    await state.close();
    throw error;
  }
}

function openDriver(
  config: MemberConfig,
  doors: MemberDoors,
  parts: Awaited<ReturnType<MemberDoors["openLog"]>> & { readonly peers: Peers; readonly state: State },
): Promise<Driver> {
  const { heartbeatMs, electionMs, snapshotCount, tuning = {} } = config;
  const { identity, recovered, state } = parts;
  return Driver.open(
    {
      id: identity.memberId,
      heartbeatMs,
      electionMs,
      snapshotCount,
      recovered,
      conf: state.confState,
      ...(tuning.raft && { limits: tuning.raft }),
      ...(tuning.catchUpEntries !== undefined && { catchUpEntries: tuning.catchUpEntries }),
      ...(tuning.logBytesMax !== undefined && { logBytesMax: tuning.logBytesMax }),
    },
    {
      log: parts.log,
      peers: parts.peers,
      machine: state,
      clock: doors.clock,
      random: doors.random,
      logger: doors.log.child("raft"),
      metrics: doors.metrics,
      ...(doors.defer && { defer: doors.defer }),
      ...(doors.faults && { faults: doors.faults }),
    },
  );
}

interface Built {
  readonly driver: Driver;
  readonly state: State;
  readonly peers: Peers;
  readonly identity: Identity;
  readonly clusterMembers: ClusterMembers;
  readonly ending: Deferred<void>;
  readonly late: Late;
  readonly turns: Turns;
  readonly tokens: Tokens;
}

/** Joins the stages that serve clients to the driver and the state. */
function join(config: MemberConfig, doors: MemberDoors, built: Built): StoreMember {
  const { driver, state, peers, identity, clusterMembers, ending, late, turns, tokens } = built;
  const { auth = authDefaults } = config;
  const { clock, metrics, log } = doors;
  if (auth.token.kind === "jwt" && auth.token.unknown.length > 0)
    log.warn("unknown JWT options", { keys: auth.token.unknown });
  const passwords = doors.passwords ?? new PasswordThread(usableBcryptCost(auth, log));
  const { clusterId, memberId } = identity;
  const electionTimeoutMs = config.electionMs;
  const ids = new RequestIds(memberId, clock.wallMs());
  const { maxRequestBytes } = config;
  const { reader, lessor, alarms } = state;
  const reads = new LinearizableReads(
    { timeoutMs: requestTimeoutMs(electionTimeoutMs) },
    { consensus: driver, state: reader, clock, meter: metrics },
  );
  const times = new RequestTimes(metrics);
  const connectedForMs = (id: MemberId) => peers.connectedForMs(id);
  const proposer = new Proposer(
    { maxRequestBytes, electionTimeoutMs },
    {
      consensus: driver,
      clock,
      ids,
      meter: metrics,
      times,
      room: () => state.room(),
      caughtUp: () => reads.ready(),
      isConnectedFor: (leader, ms) =>
        isConnectedFor(leader, ms, { self: memberId, members: clusterMembers.all(), connectedForMs }),
      ...(doors.faults && { faults: doors.faults }),
    },
  );
  late.proposer = proposer;
  const ask = (to: MemberId, kind: string, id: bigint, withinMs: number) => peers.ask(to, kind, id, withinMs);
  const leaseParts = { leases: lessor, consensus: driver, proposer, clock, asRoot: () => state.asRoot };
  const leases = new LeaseDesk({ ...leaseParts, memberId, state: reader, ask });
  const expiry = new LeaseExpiry(
    { electionTimeoutMs },
    { ...leaseParts, appliedTerm: () => state.appliedTerm, log: log.child("lease"), meter: metrics },
  );
  late.expiry = expiry;
  const { maxTxnOps, strictReconfigCheck, maxLearners, version } = config;
  const parts: MemberParts = {
    clusterId,
    memberId,
    headerBytes: new HeaderBytes({ clusterId, memberId, consensus: driver }),
    limits: { maxTxnOps, maxRequestBytes, electionTimeoutMs, strictReconfigCheck, maxLearners },
    state: reader,
    quota: state.quota,
    access: new Access({ auth: state.auth, rights: state.rights, tokens }, auth),
    auth: { state: state.auth, tokens, passwords, log: log.child("auth") },
    consensus: driver,
    proposer,
    reads,
    leases,
    ask,
    members: {
      all: () => clusterMembers.all(),
      isLearner: () => clusterMembers.isLearner(memberId),
      connectedForMs,
      get clusterVersion() {
        return clusterMembers.clusterVersion;
      },
      get downgrade() {
        return clusterMembers.downgrade;
      },
    },
    alarms: () => alarms.list(),
    watches: state.hub,
    maintenance: {
      version,
      hash: () => state.hash(),
      hashKv: (revision) => state.hashKv(revision),
      defragment: () => state.defragment(),
      snapshot: () => state.boltSnapshot(clusterMembers.clusterVersion),
    },
    clock,
    turns,
    metrics: rpcMetrics(metrics, times),
    slowApplies: state.slowApplies,
  };
  late.noSpace = raiseOnce(
    () => proposer.propose("alarm", { action: "ACTIVATE", memberId, alarm: "NOSPACE" }),
    log,
  );
  const { autoCompaction } = config;
  const compactor =
    autoCompaction &&
    new AutoCompactor(autoCompaction, {
      proposer,
      consensus: driver,
      state: reader,
      clock,
      log: log.child("compactor"),
    });
  const versions = new VersionMonitor(
    { downgradeCheckMs: config.downgradeCheckMs ?? 0 },
    {
      memberId,
      version,
      members: {
        ids: () => clusterMembers.all().map(({ id }) => id),
        get clusterVersion() {
          return clusterMembers.clusterVersion;
        },
        get downgrade() {
          return clusterMembers.downgrade;
        },
      },
      versionOf: async (id) => memberVersions.decode(await peers.ask(id, "version", 0n)).server,
      proposer,
      consensus: driver,
      clock,
      log: log.child("version"),
    },
  );
  const corruption = new CorruptionMonitor(config.corruptionChecks ?? { everyMs: 0, compactionsEveryMs: 0 }, {
    memberId,
    members: parts.members.all,
    ask: ({ id }, { kind, revision, withinMs }) => peers.ask(id, kind, BigInt(revision), withinMs),
    hashNow: () => state.hashHistory(0),
    compactionHashes: () => state.mvcc.compactionHashes.list(),
    state: reader,
    caughtUp: () => reads.ready(),
    requestTimeoutMs: requestTimeoutMs(electionTimeoutMs),
    alarms: parts.alarms,
    proposer,
    consensus: driver,
    clock,
    log: log.child("corruption"),
  });
  const guard = new LeaderGuard({ electionTimeoutMs }, { consensus: driver, clock });
  driver.done.then(ending.resolve, ending.reject);
  const handlers = serviceTable(parts, guard, { watchProgressMs: config.watchProgressMs });
  return {
    identity,
    handlers: doors.tracer === undefined ? handlers : tracedHandlers(handlers, doors.tracer),
    fromPeers: {
      onMessage: (message) => {
        checkEntries(message);
        driver.step(message);
      },
      onSnapshot: (message, chunks) => {
        proposer.missOutcomes();
        return driver.receiveSnapshot(message, chunks);
      },
      onQuestion: peerAnswers(parts, { state, leases }),
      isRemoved: (id) => clusterMembers.isRemoved(id),
    },
    removed: () => ending.reject(new MemberRemovedError(memberId)),
    unreachable: (id) => driver.reportUnreachable(id),
    parts,
    proposer,
    state,
    driver,
    done: ending.promise,
    async stop() {
      guard.stop();
      expiry.stop();
      versions.stop();
      corruption.stop();
      compactor?.stop();
      proposer.stop();
      reads.stop();
      await passwords.stop();
      await driver.stop();
      await state.close();
    },
  };
}

/** Asks again only when the request before has ended: the state tells of a full database with every write. */
function raiseOnce(raise: () => Promise<unknown>, log: Log): () => void {
  let busy = false;
  return () => {
    if (busy) return;
    busy = true;
    raise()
      .catch((error: unknown) => log.warn("failed to raise alarm", { alarm: "NOSPACE", error }))
      .finally(() => {
        busy = false;
      });
  };
}
