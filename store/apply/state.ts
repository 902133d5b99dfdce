import { join } from "node:path";
import { type Failpoint, failpoint } from "../../base/failpoints/failpoint.ts";
import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Disk } from "../../base/os/disk.ts";
import { type Log, silentLog } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import { Turns } from "../../base/slices.ts";
import { type AuthFaults, AuthState, type Requester } from "../auth/auth-state.ts";
import { noTokens } from "../auth/no-tokens.ts";
import { RequestRights } from "../auth/request-rights.ts";
import { rootName } from "../auth/rights.ts";
import type { Tokens } from "../auth/tokens.ts";
import { type Backend, BackendError, type Bucket, type Row } from "../backend/backend.ts";
import { type BackendHome, LevelHome } from "../backend/home.ts";
import { type BackendConfig, type BackendFaults, backendDefaults } from "../backend/layered-backend.ts";
import type { StateMachine } from "../driver/seams.ts";
import { decodeLease, type LeaseRow } from "../lease/lease-rows.ts";
import { type LeaseFaults, Lessor } from "../lease/lessor.ts";
import { leaseMetrics } from "../lease/metrics.ts";
import type { CheckpointLimits } from "../mvcc/checkpoints.ts";
import { hashKeyValues, type KeyValueHash } from "../mvcc/hash.ts";
import { MvccHistory } from "../mvcc/history.ts";
import { CompactionMetrics } from "../mvcc/metrics.ts";
import { MvccStore } from "../mvcc/mvcc-store.ts";
import { type SliceLimits, sliceLimits } from "../mvcc/read.ts";
import { type RestoredMvcc, restoreMvcc } from "../mvcc/restore.ts";
import type { CacheLimits } from "../mvcc/value-cache.ts";
import type { ConfState, SnapshotMeta, Term } from "../raft/types.ts";
import { SlowApplies } from "../slow-applies.ts";
import { boltSnapshot } from "../snapshot/bolt-file.ts";
import { SnapshotError } from "../snapshot/format.ts";
import { loadSnapshot } from "../snapshot/load.ts";
import { withStorageVersion } from "../snapshot/storage-version.ts";
import { snapshotStream } from "../snapshot/stream.ts";
import type { ViewStream } from "../snapshot/view-stream.ts";
import { type WatchFaults, WatchHub, type WatchLimits } from "../watch/hub.ts";
import { SendTimes } from "../watch/metrics.ts";
import { Alarms } from "./alarms.ts";
import { type AppliedAt, readAppliedAt } from "./applied-index.ts";
import { ApplyTimes } from "./apply-times.ts";
import { readConfState } from "./conf-state.ts";
import type { MembershipState } from "./membership-seam.ts";
import { backendMetrics, stateMetrics } from "./metrics.ts";
import { Quota } from "./quota.ts";
import { RangeTimes } from "./range-times.ts";
import { type ApplyFaults, EntryApplier } from "./state-machine.ts";
import { MvccReader } from "./state-reader.ts";
import { StateWorkTimes } from "./state-work-times.ts";
import type { AppliedListener } from "./types.ts";

const beforeDefragment = failpoint("defragBeforeCopy");
const opensNoSpace = failpoint("defragOpenFileError");
const copiesNothing = failpoint("defragdbFail");
const beforeOpenSnapshot = failpoint("applyBeforeOpenSnapshot");
const afterOpenSnapshot = failpoint("applyAfterOpenSnapshot");

export interface StateConfig {
  /** The database lies in `<dataDir>/member/db`. */
  readonly dataDir: string;
  /** --quota-backend-bytes; 0: none. */
  readonly quotaBytes: number;
  /** --election-timeout; leases live at least 1.5 times as long. */
  readonly electionMs: number;
  /** How often the leader tells how much time leases have left; absent: never. */
  readonly leaseCheckpointMs?: number | undefined;
  /** --warning-apply-duration; 100 ms if not given. */
  readonly warningApplyMs?: number;
  readonly backend?: BackendConfig;
  readonly watch?: WatchLimits & { readonly historyRowsPerRead: number };
  /** What large requests do at a stretch. */
  readonly slices?: SliceLimits;
  /** How many values are kept that were read lately. */
  readonly values?: CacheLimits;
  /** When the key index is saved. */
  readonly checkpoints?: CheckpointLimits;
}

export interface StateDeps {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly meter: Meter;
  readonly log?: Log;
  readonly membership: MembershipState;
  /** Absent: nobody gets any. */
  readonly tokens?: Tokens;
  /** Called for every applied entry, while applying. */
  readonly onApplied: AppliedListener;
  /** Called when the first entry of a term was applied. */
  readonly onTermApplied?: (term: Term) => void;
  /** A write was applied beyond the quota: raise the NOSPACE alarm through the log. May be called often. */
  readonly onNoSpace: () => void;
  /** The database cannot be written or read any more: stop the member with this error's message. */
  readonly onFailure: (error: BackendError | Error) => void;
  /** In place of LevelDB under `dataDir`: simulation. */
  readonly home?: BackendHome;
  /** For requests that would hold the event loop too long at a stretch. */
  readonly turns?: Turns;
  /** Between two slices of work that nobody waits for. By default a while by the clock; under one that may stand still, a turn. */
  readonly pause?: (() => Promise<void>) | undefined;
  readonly faults?: ApplyFaults & WatchFaults & BackendFaults & LeaseFaults & AuthFaults;
}

/** Between two pieces of 256 KiB whose sums are looked at, which take half a millisecond each. */
const checkPauseMs = 20;

/** Buckets that are held in memory row by row. */
const smallBuckets = [
  "alarm",
  "members",
  "members_removed",
  "cluster",
  "auth",
  "authUsers",
  "authRoles",
] as const;
type SmallRows = (typeof smallBuckets)[number];

export interface LoadedState {
  readonly backend: Backend;
  readonly mvcc: RestoredMvcc;
  readonly at: AppliedAt;
  readonly conf: ConfState;
  readonly leases: readonly LeaseRow[];
  readonly rows: Readonly<Record<SmallRows, readonly Row[]>>;
}

/** Opens the whole replicated state of a member. Rejects with BackendError, whose message names the path and the remedy. */
export async function openState(config: StateConfig, deps: StateDeps): Promise<State> {
  const home = deps.home ?? levelHome(config, deps);
  const backend = await home.open();
  try {
    return new State(config, deps, home, await loadState(backend, deps));
  } catch (error) {
    await backend.close();
    throw error;
  }
}

export class State implements StateMachine {
  readonly lessor: Lessor;
  readonly mvcc: MvccStore;
  readonly hub: WatchHub;
  readonly alarms = new Alarms();
  readonly auth: AuthState;
  readonly rights: RequestRights;
  readonly reader: MvccReader;
  readonly quota: Quota;
  readonly #deps: StateDeps;
  readonly #tokens: Tokens;
  readonly #home: BackendHome;
  readonly #applier: EntryApplier;
  #backend: Backend;
  /** Databases that a snapshot replaced, until nobody reads them any more. */
  readonly #retired = new Map<Backend, Promise<void>>();
  #openRetired = 0;
  readonly slowApplies: SlowApplies;
  readonly #work: StateWorkTimes;
  /** Settles when the last hash that was asked for is there. */
  #hashed: Promise<unknown> = Promise.resolve();

  constructor(config: StateConfig, deps: StateDeps, home: BackendHome, loaded: LoadedState) {
    this.#deps = deps;
    this.#tokens = deps.tokens ?? noTokens;
    this.#home = home;
    this.#backend = loaded.backend;
    const minTtlS = Math.ceil((1.5 * config.electionMs) / 1_000);
    const checkpointEveryMs = config.leaseCheckpointMs ?? 0;
    const { meter, clock, log = silentLog } = deps;
    this.auth = new AuthState(log.child("auth"), deps.faults);
    this.rights = new RequestRights(this.auth, (lease) => this.lessor.keysIfAny(lease));
    this.slowApplies = new SlowApplies({ warningMs: config.warningApplyMs ?? 100 }, { log, meter });
    this.lessor = new Lessor(
      { minTtlS, checkpointEveryMs, faults: deps.faults },
      loaded.backend,
      leaseMetrics(meter),
    );
    const turns = deps.turns ?? new Turns();
    this.mvcc = new MvccStore(loaded.mvcc, {
      leases: this.lessor,
      limits: config.slices ?? sliceLimits,
      ...(config.values && { values: config.values }),
      pause: deps.pause ?? (() => sleep(clock, 1)),
      after: (delayMs, fire) => clock.after(delayMs, fire),
      ...(config.checkpoints && { checkpoints: config.checkpoints }),
      metrics: new CompactionMetrics(meter, clock),
      log: log.child("mvcc"),
      onChanges: (revision, changes) => this.hub.notify(revision, changes),
    });
    this.hub = new WatchHub(new MvccHistory(this.mvcc, config.watch?.historyRowsPerRead), {
      onFailure: (error) => deps.onFailure(error instanceof Error ? error : new Error(String(error))),
      turns,
      clock,
      times: new SendTimes(meter),
      ...(deps.faults && { faults: deps.faults }),
      ...(config.watch && { limits: config.watch }),
    });
    this.#take(loaded);
    this.quota = new Quota(config.quotaBytes, () => this.#backend.sizeBytes);
    this.#applier = new EntryApplier(
      {
        mvcc: this.mvcc,
        lessor: this.lessor,
        alarms: this.alarms,
        membership: deps.membership,
        auth: this.auth,
        rights: this.rights,
        tokens: this.#tokens,
        backend: () => this.#backend,
        monotonicMs: () => clock.monotonicMs(),
        times: new ApplyTimes({ meter, clock, log, slow: this.slowApplies }),
        onApplied: deps.onApplied,
        onTermApplied: deps.onTermApplied ?? (() => undefined),
        onNoSpace: deps.onNoSpace,
        turns,
        quota: this.quota,
        ...(deps.faults && { faults: deps.faults }),
      },
      loaded.at,
      loaded.conf,
    );
    const times = new RangeTimes(meter, clock);
    this.reader = new MvccReader(this.mvcc, { applier: this.#applier, turns, times });
    stateMetrics(meter, this);
    this.#work = new StateWorkTimes(meter, clock);
    void loaded.backend.check(deps.pause ?? (() => sleep(clock, checkPauseMs)));
  }

  /** In whose name this member asks for what not everybody may; undefined while authentication is off. */
  get asRoot(): Requester | undefined {
    return this.auth.isOn ? { name: rootName, revision: this.auth.revision } : undefined;
  }

  get backend(): Backend {
    return this.#backend;
  }
  get appliedIndex(): number {
    return this.#applier.appliedIndex;
  }
  get appliedTerm(): number {
    return this.#applier.appliedAt.term;
  }
  /** The configuration as of the applied index; empty where none was applied yet. */
  get confState(): ConfState {
    return this.#applier.confState;
  }

  apply: StateMachine["apply"] = (entries) => this.#applier.apply(entries);

  applyConfChange: StateMachine["applyConfChange"] = (change, at) =>
    this.#applier.applyConfChange(change, at);

  flush(): Promise<AppliedAt> {
    return this.#applier.flush();
  }

  /** Gives disk space back. Rejects with BackendError. */
  defragment(): Promise<void> {
    return this.#work.defragmenting(async () => {
      failIfArmed(opensNoSpace);
      if (beforeDefragment.armed) await beforeDefragment.pass();
      failIfArmed(copiesNothing);
      await this.mvcc.defragment();
    });
  }

  /** Undefined while there is room for more effects; else resolves when enough of them reached the disk, and
   *  rejects with BackendError when none do any more. */
  room(): Promise<void> | undefined {
    return this.#backend.room();
  }

  snapshot(): AppliedAt & ViewStream {
    return {
      ...this.#applier.appliedAt,
      ...snapshotStream(this.#work.snapshotting(this.#backend.snapshot())),
    };
  }

  /** The whole state as etcd's database file and its SHA-256, for the Maintenance Snapshot call; the size is an estimate. */
  boltSnapshot(clusterVersion: string): { readonly sizeBytes: number } & ViewStream {
    const view = this.#work.snapshotting(this.#backend.snapshot());
    return { sizeBytes: this.#backend.sizeBytes, ...boltSnapshot(withStorageVersion(view, clusterVersion)) };
  }

  /** Builds the received state beside the present one, and changes over when it is whole and durable. Rejects with
   *  SnapshotError (nothing has changed) or BackendError. */
  async restore(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const loaded = await this.#work.receiving(() => this.#receive(meta, chunks));
    const former = this.#backend;
    this.#backend = loaded.backend;
    this.mvcc.replace(loaded.mvcc);
    // Of users that were deleted or got other passwords meanwhile nothing is told here.
    this.#tokens.disable();
    this.#take(loaded);
    this.#applier.restored(loaded.at, loaded.conf);
    this.hub.restored();
    this.#retire(former);
  }

  async #receive(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<LoadedState> {
    const draft = await this.#home.draft();
    try {
      await loadSnapshot(chunks, draft.backend);
      // Everything is read before anything is changed over: what cannot be taken must not get into place.
      const loaded = await loadState(draft.backend, this.#deps);
      checkPlace(loaded, meta);
      if (beforeOpenSnapshot.armed) await beforeOpenSnapshot.pass();
      await this.#work.adopting(() => draft.adopt());
      this.#deps.log?.info("applySnapshot: opened snapshot backend");
      if (afterOpenSnapshot.armed) await afterOpenSnapshot.pass();
      return loaded;
    } catch (error) {
      await draft.discard();
      throw error;
    }
  }

  /** etcd's HashKV of this member at a revision (0: the newest); of one at which a compaction took place, what was hashed
   *  then. Throws StoreError. */
  async hashKv(revision: number): Promise<KeyValueHash> {
    return this.mvcc.compactionHashes.at(revision) ?? (await this.hashHistory(revision));
  }

  /** The same of what is stored now, whatever compactions hashed. */
  hashHistory(revision: number): Promise<KeyValueHash> {
    return this.#afterHashes(() => this.#work.hashingAtRevision(() => hashKeyValues(this.mvcc, revision)));
  }

  /** The same of the newest revision, for the Hash call. */
  async hash(): Promise<number> {
    return (await this.#afterHashes(() => this.#work.hashing(() => hashKeyValues(this.mvcc, 0)))).hash;
  }

  /** One hash after the other, whoever asks: each reads all that is stored, a slice in each turn of the event loop. */
  #afterHashes(hash: () => Promise<KeyValueHash>): Promise<KeyValueHash> {
    const hashed = this.#hashed.then(hash);
    this.#hashed = hashed.catch(() => undefined); // whoever asked for it hears of it
    return hashed;
  }

  /** Flushes and closes; nothing of it runs afterwards. */
  async close(): Promise<void> {
    this.#applier.waiters.fail(new Error("the state is closed"));
    await this.hub.stop();
    await this.mvcc.stop();
    await this.#backend.close();
    for (const [backend, gone] of this.#retired) {
      await backend.close();
      await gone;
    }
  }

  #take({ backend, leases, rows, mvcc }: LoadedState): void {
    this.lessor.restore(backend, leases, mvcc.leased);
    this.alarms.restore(rows.alarm);
    this.auth.restore(rows);
    if (this.auth.isOn) this.#tokens.enable();
    else this.#tokens.disable();
    this.#deps.membership.restore(rows);
  }

  #retire(former: Backend): void {
    this.#openRetired += 1;
    const gone = former
      .retire()
      .then(async () => {
        this.#openRetired -= 1;
        if (this.#openRetired === 0) await this.#home.sweep(); // which would remove files of open ones as well
      })
      .catch((error: unknown) => {
        this.#deps.onFailure(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => this.#retired.delete(former));
    this.#retired.set(former, gone);
  }
}

function levelHome(config: StateConfig, deps: StateDeps): BackendHome {
  const { commitSeconds } = backendMetrics(deps.meter);
  return new LevelHome(join(config.dataDir, "member", "db"), config.backend ?? backendDefaults, {
    disk: deps.disk,
    onFailure: deps.onFailure,
    onUpkeepFailed: (error) =>
      deps.log?.warn("cannot tidy the revisions on disk; it is tried again later", { error }),
    onFlushed: (tookMs) => commitSeconds.observe(tookMs / 1_000),
    onMoving: toldOfMoving(deps),
    monotonicMs: () => deps.clock.monotonicMs(),
    ...(deps.faults && { faults: deps.faults }),
  });
}

/** A line a second, and none where it is over sooner. */
function toldOfMoving({ clock, log }: StateDeps): (rows: number) => void {
  let nextMs = clock.monotonicMs() + 1_000;
  return (rows) => {
    if (clock.monotonicMs() < nextMs) return;
    nextMs += 1_000;
    log?.info("moving revisions of an earlier version into their log", { rows });
  };
}

/** Reads the whole state. Rejects when there is anything in it that could not be taken. */
export async function loadState(
  backend: Backend,
  { membership, log }: { readonly membership: Pick<MembershipState, "check">; readonly log?: Log },
): Promise<LoadedState> {
  const leases = (await allRows(backend, "lease")).map(({ key, value }) => decodeLease(key, value));
  const mvcc = await restoreMvcc(backend, (problem) =>
    log?.warn("the checkpoint of the keys cannot be used; all revisions are read in its place", { problem }),
  );
  const granted = new Set(leases.map(({ id }) => id));
  for (const lease of mvcc.leased.values())
    if (!granted.has(lease))
      throw new BackendError(
        "corrupt",
        `a key hangs on lease ${lease.toString(16)}, which the database does not hold`,
      );
  const rows = await rowsOfAll(backend);
  new Alarms().restore(rows.alarm);
  new AuthState().restore(rows);
  membership.check(rows);
  return { backend, mvcc, at: readAppliedAt(backend), conf: readConfState(backend), leases, rows };
}

function failIfArmed(point: Failpoint): void {
  const failure = point.armed ? point.returned() : undefined;
  if (failure !== undefined) throw new Error(failure);
}

/** A received state must be of the very place in the log that its sender said. */
function checkPlace({ at, conf }: LoadedState, meta: SnapshotMeta): void {
  if (at.index !== meta.index || at.term !== meta.term)
    throw new SnapshotError(
      `snapshot: it holds the state at entry ${at.index} of term ${at.term}, not at ${meta.index} of term ${meta.term}`,
    );
  const ids = ({ voters, learners }: ConfState) =>
    `${[...voters].sort().join()};${[...learners].sort().join()}`;
  if (ids(conf) !== ids(meta.conf))
    throw new SnapshotError("snapshot: the membership it holds is not the one its sender told of");
}

async function rowsOfAll(backend: Backend): Promise<LoadedState["rows"]> {
  const rows = {} as Record<SmallRows, readonly Row[]>;
  for (const bucket of smallBuckets) rows[bucket] = await allRows(backend, bucket);
  return rows;
}

async function allRows(backend: Backend, bucket: Bucket): Promise<readonly Row[]> {
  const out: Row[] = [];
  for await (const page of backend.pages(bucket)) out.push(...page);
  return out;
}
