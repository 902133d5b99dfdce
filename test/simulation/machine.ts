import { sleep } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { chance, Prng, type Random } from "../../base/os/random.ts";
import { SimDisk } from "../../base/os/sim-disk.ts";
import { MemoryHome } from "../../store/backend/memory-home.ts";
import { createMember, type StoreMember } from "../../store/create-member.ts";
import { type Beginning, openLog } from "../../store/open-log.ts";
import { publish } from "../../store/propose/publish.ts";
import type { MemberId } from "../../store/raft/types.ts";
import type { RevisionLogConfig } from "../../store/revisions/log-config.ts";
import type { Recovered } from "../../store/wal/recovery.ts";
import { type DiskAct, type DiskStep, type DiskWeather, fairWeather, faultyDisk } from "./faulty-disk.ts";
import { memberConfig } from "./member-config.ts";
import { MemberLog } from "./member-log.ts";
import type { SimOptions } from "./options.ts";
import { type Pace, ProcessClock, type SimClock } from "./sim-clock.ts";
import { SimMetrics } from "./sim-metrics.ts";
import type { SimNetwork } from "./sim-network.ts";
import { simPasswords } from "./sim-passwords.ts";
import type { Faults } from "./simulate.ts";

/** One life of a member: a process that ends with its clock. */
export interface Life {
  readonly machine: Machine;
  readonly id: MemberId;
  readonly number: number;
  readonly clock: ProcessClock;
  readonly metrics: SimMetrics;
  /** Set once it serves. */
  member: StoreMember | undefined;
  /** The log as it was handed to the disk. */
  log: MemberLog | undefined;
  readonly onDeath: Set<() => void>;
  /** Indexes at which it was sent the whole state: its log may follow a little later. */
  readonly snapshots: Set<number>;
  /** The members that it connects with. */
  peers: readonly MemberId[];
  /** Snapshots that it is being sent. */
  installs: number;
  /** What its disk told it last of all that failed. */
  diskFailure: string | undefined;
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
  readonly faults: Faults;
  /** Of the world. */
  readonly end: AbortSignal;
  readonly onStarted: (life: Life, member: StoreMember) => void;
  readonly onFailure: (life: Life, error: unknown) => void;
  /** Throws when the member must not go on with this log. */
  readonly onRecovered: (life: Life, recovered: Recovered) => void;
  readonly watchLog: (life: Life, log: MemberLog) => void;
  readonly onDiskStep: (life: Life, step: DiskStep) => void;
}

/** A computer with a disk; members live and die on it. */
export class Machine {
  readonly index: number;
  /** 0n: it belongs to no cluster. */
  id: MemberId = 0n;
  life: Life | undefined;
  lives = 0;
  /** Its members write their messages as another version does. */
  readonly isOtherVersion: boolean;
  readonly weather: DiskWeather = fairWeather();
  readonly pace: Pace;
  /** Its disk holds something else than it was told, or lacks what it said to have: it may be refused, but not served. Where it is
   *  both, that it lied counts. */
  damage: "rot" | "lie" | undefined;
  /** Its member was refused for the damage: it is to be replaced. */
  isBroken = false;
  /** It has joined, and is not known to be a voter yet. */
  isCatchingUp = false;
  readonly #parts: MachineParts;
  #beginning: Beginning | undefined;
  #disk: SimDisk;
  #home: MemoryHome;

  constructor(index: number, pace: Pace, parts: MachineParts) {
    this.index = index;
    this.pace = pace;
    this.#parts = parts;
    this.isOtherVersion = chance(parts.random, parts.options.otherVersions);
    this.#disk = this.#newDisk();
    this.#home = this.#newHome();
  }

  get name(): string {
    return `m${this.index + 1}`;
  }

  /** What it is to begin as where its disk is empty. */
  enrol(id: MemberId, beginning: Beginning): void {
    this.id = id;
    this.#beginning = beginning;
    this.#parts.network.add(this);
  }

  /** Its data is of no use any more: it gets an empty disk, and belongs to nobody. */
  retire(): void {
    this.crash("kept");
    this.#parts.network.remove(this);
    this.id = 0n;
    this.#beginning = undefined;
    this.damage = undefined;
    this.isBroken = false;
    this.isCatchingUp = false;
    Object.assign(this.weather, fairWeather());
    this.#disk = this.#newDisk();
    this.#home = this.#newHome();
  }

  /** One bit of its disk turns over; answers which. */
  rot(): string | undefined {
    const where = this.#disk.rot(this.#parts.random, (path) => !path.endsWith(".tmp"));
    if (where !== undefined) this.damage ??= "rot";
    return where;
  }

  start(): void {
    const beginning = this.#beginning;
    if (this.life !== undefined || beginning === undefined || this.isBroken) return;
    const life = this.#newLife();
    this.life = life;
    const { options, faults, network } = this.#parts;
    const { clock, metrics } = life;
    const disk = this.#diskOf(life);
    this.#home.disk = disk;
    const random = new Prng(this.#parts.random.uint32());
    const os = { clock, disk, log: silentLog, metrics };
    createMember(memberConfig(options), {
      ...os,
      random,
      home: this.#home,
      passwords: simPasswords(clock),
      defer: (run) => clock.after(0, run),
      faults: { ...faults, ...(faults.oneAppliesElse && this.index === 0 && { appliesElse: true }) },
      openLog: async (appliedIndex) => {
        const { segmentBytes } = options;
        const config = { folder: "/data/member/wal", segmentBytes, appliedIndex, faults };
        const opened = await openLog(config, async () => beginning, os);
        this.#parts.onRecovered(life, opened.recovered);
        const log = new MemberLog(opened.wal, opened.recovered);
        life.log = log;
        this.#parts.watchLog(life, log);
        return { ...opened, log };
      },
      openPeers: () => network.peersOf(life),
    }).then(
      (member) => this.#started(life, member, beginning.kind === "join"),
      (error: unknown) => this.#parts.onFailure(life, error),
    );
  }

  #started(life: Life, member: StoreMember, hasJoined: boolean): void {
    life.member = member;
    member.done.catch((error: unknown) => this.#parts.onFailure(life, error));
    this.#parts.onStarted(life, member);
    if (!hasJoined) return;
    const self = { memberId: life.id, name: this.name, clientUrls: [] };
    const { proposer, parts } = member;
    const attempt = { proposer, reads: parts.reads, clock: life.clock, log: silentLog, attemptMs: 2_000 };
    publish(self, attempt, this.#parts.end).catch((error: unknown) => this.#parts.onFailure(life, error));
  }

  #newLife(): Life {
    return {
      machine: this,
      id: this.id,
      number: ++this.lives,
      clock: new ProcessClock(this.#parts.clock, this.pace),
      metrics: new SimMetrics(),
      member: undefined,
      log: undefined,
      onDeath: new Set(),
      snapshots: new Set(),
      peers: [],
      installs: 0,
      diskFailure: undefined,
    };
  }

  #diskOf(life: Life) {
    return faultyDisk(this.#disk.open(life.clock), {
      weather: this.weather,
      sleep: (ms) => sleep(life.clock, ms),
      onStep: (step) => {
        this.#parts.onDiskStep(life, step);
        return life.clock.isAlive;
      },
      onFailed: (what) => {
        life.diskFailure = what;
      },
      onLied: () => {
        this.damage = "lie";
      },
      isLeftOut: (act, path) => isLeftOut(this.#parts.faults, act, path),
    });
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

  #newDisk(): SimDisk {
    const { options, random } = this.#parts;
    const prng = new Prng(random.uint32());
    return new SimDisk({ prng, writeMs: options.syncMs / 20, syncMs: options.syncMs });
  }

  #newHome(): MemoryHome {
    const { options, faults, onFailure } = this.#parts;
    return new MemoryHome(
      {
        // A put changes two rows beside its revision.
        batchBytesMax: options.backendBatchRows * 300,
        batchRowsMax: options.backendBatchRows,
        pendingBytesMax: 10_000_000,
        revisions: smallRevisions,
      },
      { onFailure: (error) => this.life && onFailure(this.life, error), faults },
      async () => {
        if (this.life !== undefined) await sleep(this.life.clock, options.syncMs);
      },
    );
  }
}

function isLeftOut(faults: Faults, act: DiskAct, path: string): boolean {
  if (act === "syncFolder") return faults.skipFolderSync === true;
  if (act !== "sync") return false;
  if (path.endsWith(".tmp")) return faults.skipSegmentSync === true;
  return path.startsWith("/revisions/") && faults.skipRevisionSync === true;
}
