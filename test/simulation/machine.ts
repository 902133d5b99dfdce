import { sleep } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { Prng, type Random } from "../../base/os/random.ts";
import { SimDisk } from "../../base/os/sim-disk.ts";
import { MemoryHome } from "../../store/backend/memory-home.ts";
import { createMember, type MemberDoors, type StoreMember } from "../../store/create-member.ts";
import type { InitialCluster } from "../../store/membership/initial-cluster.ts";
import { openLog } from "../../store/open-log.ts";
import { raftLimits } from "../../store/raft/config.ts";
import type { MemberId } from "../../store/raft/types.ts";
import type { RevisionLogConfig } from "../../store/revisions/revision-log.ts";
import { MemberLog } from "./member-log.ts";
import type { SimOptions } from "./options.ts";
import { ProcessClock, type SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";

/** One life of a member: a process that ends with its clock. */
export interface Life {
  readonly machine: Machine;
  readonly number: number;
  readonly clock: ProcessClock;
  /** Set once it serves. */
  member: StoreMember | undefined;
  /** The log as it was handed to the disk. */
  log: MemberLog | undefined;
  readonly onDeath: Set<() => void>;
  /** Indexes at which it was sent the whole state: its log may follow a little later. */
  readonly snapshots: Set<number>;
}

/** So small that a few puts fill a segment, and most reads go to files. */
const smallRevisions: RevisionLogConfig = {
  segmentBytes: 2_000,
  blockBytes: 300,
  chunkBytes: 1_000,
  recentBytesMax: 1_000,
  cacheBytesMax: 600,
};

export interface MachineParts {
  readonly options: SimOptions;
  readonly clock: SimClock;
  readonly random: Random;
  readonly network: SimNetwork;
  readonly cluster: InitialCluster;
  readonly faults: NonNullable<MemberDoors["faults"]>;
  readonly onStarted: (life: Life, member: StoreMember) => void;
  readonly onFailure: (life: Life, error: unknown) => void;
  readonly watchLog: (life: Life, log: MemberLog) => void;
}

/** A computer with a disk; members live and die on it. */
export class Machine {
  readonly index: number;
  readonly id: MemberId;
  life: Life | undefined;
  lives = 0;
  readonly #parts: MachineParts;
  readonly #disk: SimDisk;
  readonly #home: MemoryHome;

  constructor(index: number, id: MemberId, parts: MachineParts) {
    this.index = index;
    this.id = id;
    this.#parts = parts;
    const { options, random } = parts;
    const prng = new Prng(random.uint32());
    this.#disk = new SimDisk({ prng, writeMs: options.syncMs / 20, syncMs: options.syncMs });
    this.#home = new MemoryHome(
      {
        // A put changes two rows beside its revision.
        batchBytesMax: options.backendBatchRows * 300,
        batchRowsMax: options.backendBatchRows,
        pendingBytesMax: 10_000_000,
        revisions: smallRevisions,
      },
      { onFailure: (error) => this.life && parts.onFailure(this.life, error), faults: parts.faults },
      async () => {
        if (this.life !== undefined) await sleep(this.life.clock, options.syncMs);
      },
    );
  }

  get name(): string {
    return `m${this.index + 1}`;
  }

  start(): void {
    if (this.life !== undefined) return;
    const { options, clock, network, cluster, faults } = this.#parts;
    const process = new ProcessClock(clock);
    const life: Life = {
      machine: this,
      number: ++this.lives,
      clock: process,
      member: undefined,
      log: undefined,
      onDeath: new Set(),
      snapshots: new Set(),
    };
    this.life = life;
    const disk = this.#disk.open(process);
    this.#home.disk = disk;
    const random = new Prng(this.#parts.random.uint32());
    const os = { clock: process, disk, log: silentLog, metrics: new MetricsRegistry() };
    createMember(memberConfig(options), {
      ...os,
      random,
      home: this.#home,
      defer: (run) => process.after(0, run),
      faults,
      openLog: async (appliedIndex) => {
        const begin = async () => ({ kind: "new" as const, cluster, memberId: this.id });
        const { segmentBytes } = options;
        const opened = await openLog({ folder: "/data/member/wal", segmentBytes, appliedIndex }, begin, os);
        const log = new MemberLog(opened.wal, opened.recovered);
        life.log = log;
        this.#parts.watchLog(life, log);
        return { ...opened, log };
      },
      openPeers: () => network.peersOf(life),
    }).then(
      (member) => {
        life.member = member;
        member.done.catch((error: unknown) => this.#parts.onFailure(life, error));
        this.#parts.onStarted(life, member);
      },
      (error: unknown) => this.#parts.onFailure(life, error),
    );
  }

  /** SIGKILL; with `power` cut, what the disk was not made to keep is lost as well. */
  crash(power: "kept" | "cut"): void {
    const { life } = this;
    if (life === undefined) return;
    this.life = undefined;
    life.clock.kill();
    for (const tell of [...life.onDeath]) tell();
    if (power === "kept") {
      this.#disk.kill();
      this.#home.kill();
    } else {
      this.#disk.crash();
      this.#home.crash(this.#parts.random);
    }
  }
}

function memberConfig(options: SimOptions): Parameters<typeof createMember>[0] {
  const { heartbeatMs, electionMs, snapshotCount, catchUpEntries, appendBytesMax } = options;
  return {
    dataDir: "/data",
    heartbeatMs,
    electionMs,
    snapshotCount,
    quotaBytes: 0,
    maxRequestBytes: 1_000_000,
    maxTxnOps: 128,
    maxLearners: 1,
    strictReconfigCheck: true,
    watchProgressMs: 700,
    version: "3.5.0",
    tuning: {
      raft: { ...raftLimits, appendBytesMax, inflightMessagesMax: 8 },
      catchUpEntries,
      // So small that most ranges and many writes pause.
      slices: { keysMax: 2, valuesMax: 1, valueBytesMax: 100, changesMax: 2 },
      // So small that watches fall behind memory and read history.
      watch: {
        batchRevisionsMax: 4,
        batchBytesMax: 500,
        recent: { eventsMax: 20, bytesMax: 10_000 },
        historyRowsPerRead: 10,
      },
    },
  };
}
