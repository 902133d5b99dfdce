import { setMaxListeners } from "node:events";
import { Prng, type Random } from "../../base/os/random.ts";
import { hashKvResponse } from "../../proto/etcd-maintenance.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { MemberRemovedError, type StoreMember } from "../../store/create-member.ts";
import { type InitialCluster, newCluster } from "../../store/membership/initial-cluster.ts";
import type { Recovered } from "../../store/wal/recovery.ts";
import { Calls } from "./calls.ts";
import { Access } from "./checkers/access.ts";
import { AppliedOnce } from "./checkers/applied-once.ts";
import { BoundedMemory } from "./checkers/bounded-memory.ts";
import { BoundedWrites } from "./checkers/bounded-writes.ts";
import { ClientHistories } from "./checkers/client-histories.ts";
import { CommitOrder } from "./checkers/commit-order.ts";
import { ElectionSafety } from "./checkers/election-safety.ts";
import { EqualHistory } from "./checkers/equal-history.ts";
import { EqualState } from "./checkers/equal-state.ts";
import { ExactlyOnce } from "./checkers/exactly-once.ts";
import { KeptPromises } from "./checkers/kept-promises.ts";
import { LeaderCompleteness } from "./checkers/leader-completeness.ts";
import { Leases } from "./checkers/leases.ts";
import { Linearizability } from "./checkers/linearizability.ts";
import { LogMatching } from "./checkers/log-matching.ts";
import { NoCorruption } from "./checkers/no-corruption.ts";
import { type Probe, Progress } from "./checkers/progress.ts";
import { SerializableReads } from "./checkers/serializable.ts";
import { StateMachineSafety } from "./checkers/state-machine-safety.ts";
import { VoteOnce } from "./checkers/vote-once.ts";
import { Watches } from "./checkers/watches.ts";
import { Clients } from "./clients/clients.ts";
import { CommittedLog } from "./committed-log.ts";
import { EventLog } from "./event-log.ts";
import { type Life, Machine, type MachineParts } from "./machine.ts";
import { Nemesis } from "./nemesis.ts";
import { Observer } from "./observer.ts";
import type { AnyMethod } from "./operation.ts";
import { Operations } from "./operations.ts";
import { Operator } from "./operator.ts";
import type { SimOptions } from "./options.ts";
import { SimClock } from "./sim-clock.ts";
import { SimNetwork } from "./sim-network.ts";
import type { Faults } from "./simulate.ts";
import { SpaceKeeper, spaceKeeperEveryMs } from "./space-keeper.ts";
import { Violation } from "./violation.ts";

const historyEveryMs = 2_000;

/** Errors that name what is wrong with a disk, and what to do. */
const diskErrors: ReadonlySet<string> = new Set([
  "WalWriteError",
  "WalDamageError",
  "BackendError",
  "LogMissingError",
  "StateBehindLogError",
  "StateOffLogError",
]);

/** The disk lost what it said to keep. No program can know; whoever watches over disks does. */
class BrokenPromiseError extends Error {
  override readonly name = "BrokenPromiseError";
}

/** Machines, their clients, and what is wrong with the wires; and everybody who looks on. */
export class World {
  readonly clock = new SimClock();
  readonly events = new EventLog(() => this.clock.monotonicMs());
  readonly #options: SimOptions;
  readonly #heeded: RegExp;
  readonly #prng: Prng;
  readonly #network: SimNetwork;
  readonly #machines: readonly Machine[];
  /** Those that belong to the cluster at the time. */
  readonly #active: Machine[] = [];
  readonly #promises = new KeptPromises();
  readonly #operator: Operator;
  readonly #spaceKeeper: SpaceKeeper;
  readonly #histories: ClientHistories;
  readonly #history: EqualHistory;
  readonly #memory: BoundedMemory;
  readonly #committed: CommittedLog;
  readonly #linearizability: Linearizability;
  readonly #leases: Leases;
  readonly #watches: Watches;
  readonly #access: Access;
  readonly #appliedOnce: AppliedOnce;
  readonly #clients: Clients;
  readonly #observer: Observer;
  readonly #nemesis: Nemesis;
  readonly #operations: Operations;
  readonly #calls: Calls;
  readonly #knowledge = { revision: 1, leases: [] as bigint[] };
  readonly #end = new AbortController();
  #isStormOver = false;
  /** When a member was last found damaged, or began or ceased to belong to the cluster. */
  #changedMs = 0;
  #tailWrites = 0;
  violation: Violation | undefined;

  constructor(options: SimOptions, faults: Faults, heeded: RegExp) {
    this.#options = options;
    this.#heeded = heeded;
    // Lives that ended never let go of it.
    setMaxListeners(0, this.#end.signal);
    this.#prng = new Prng(options.seed);
    const fork = () => new Prng(this.#prng.uint32());
    const { clock, events, report } = this;
    this.#network = new SimNetwork({ clock, random: fork(), options, events, faults });
    const minTtlS = Math.ceil((1.5 * options.electionMs) / 1_000);
    this.#leases = new Leases({ minTtlS, clockDrift: options.clockDrift }, report);
    this.#access = new Access(report, (index) => this.#linearizability.proved(index));
    const nameOf = (member: bigint) => this.#machines.find(({ id }) => id === member)?.name ?? "nobody";
    const committed = new CommittedLog([
      this.#leases,
      new ExactlyOnce(report),
      new NoCorruption(nameOf, report),
      this.#access,
    ]);
    this.#access.log = committed;
    this.#committed = committed;
    this.#linearizability = new Linearizability(committed, report);
    this.#watches = new Watches(committed, report);
    this.#appliedOnce = new AppliedOnce(report);
    const cluster = initialCluster(options.members);
    this.#machines = this.#makeMachines(cluster, fork, faults);
    this.#activate();
    this.#calls = new Calls(clock, this.#network, faults);
    this.#operator = new Operator(options, {
      clock,
      calls: this.#calls,
      events,
      random: fork(),
      machines: this.#machines,
      clusterId: cluster.clusterId,
      changed: () => this.#activate(),
    });
    this.#spaceKeeper = new SpaceKeeper(options, {
      clock,
      calls: this.#calls,
      events,
      machines: this.#active,
    });
    this.#histories = new ClientHistories(report);
    this.#history = new EqualHistory(report);
    this.#memory = new BoundedMemory(options, report);
    const bounded = new BoundedWrites(options, { machines: this.#active, network: this.#network, report });
    this.#operations = new Operations({
      calls: this.#calls,
      events,
      random: fork(),
      linearizability: this.#linearizability,
      serializable: new SerializableReads(committed, report),
      appliedOnce: this.#appliedOnce,
      histories: this.#histories,
      bounded,
      access: this.#access,
      nowMs: () => clock.monotonicMs(),
      knowledge: this.#knowledge,
      electionMs: options.electionMs,
    });
    this.#clients = new Clients(options, {
      clock,
      calls: this.#calls,
      events,
      random: this.#prng,
      machines: this.#active,
      operations: this.#operations,
      access: this.#access,
      appliedOnce: this.#appliedOnce,
      watches: this.#watches,
      leases: this.#leases,
      knowledge: this.#knowledge,
      floor: () => this.#linearizability.floor,
      isOver: () => this.#isStormOver,
      watched: (running) => this.#watched(running),
    });
    this.#nemesis = new Nemesis(options, {
      clock,
      random: fork(),
      network: this.#network,
      machines: this.#active,
      events,
      backup: (machine) => this.#backup(machine),
      voters: () => this.#operator.voters,
      isSettled: ({ id }) => this.#promises.committedOf(id) >= committed.lastConfChange,
      write: (machine) => this.#writeTail(machine),
      report,
    });
    const votes = new VoteOnce(report);
    this.#network.onSend = (life, message) => {
      if (message.type === "voteResponse" && !message.reject)
        votes.granted(life.id, message.term, message.to);
      this.#nemesis.sending(life, message);
    };
    this.#observer = new Observer({
      machines: this.#machines,
      committed,
      elections: new ElectionSafety(report),
      matching: new LogMatching(report),
      completeness: new LeaderCompleteness(report),
      order: new CommitOrder(report),
      safety: new StateMachineSafety(committed, report),
      equal: new EqualState(committed, report),
      promises: this.#promises,
      bounded,
      events,
      nowMs: () => clock.monotonicMs(),
      report,
      onElected: (life) => this.#nemesis.elected(life),
    });
  }

  /** The first broken property that somebody heeds ends the run. */
  readonly report = (property: string, what: string): void => {
    if (this.violation !== undefined || !this.#heeded.test(property)) return;
    this.violation = new Violation(property, what);
    this.events.add(`VIOLATION ${property}: ${what}`);
  };

  async storm(): Promise<void> {
    for (const machine of this.#machines) machine.start();
    this.#nemesis.start();
    this.#watched(this.#operator.run());
    if (this.#options.quotaBytes > 0) this.#watched(this.#spaceKeeper.run());
    this.#clients.start();
    this.#watched(this.#lookAtHistory());
    await this.#run(this.#options.stormMs);
  }

  /** Everything works again; now the members must agree, and answer. */
  async calm(forMs: number): Promise<void> {
    if (this.violation !== undefined) return;
    this.events.add("the storm is over");
    this.#isStormOver = true;
    this.#operator.isCalm = true;
    this.#nemesis.stop();
    this.#replaceLiars();
    for (const watcher of this.#clients.watchers) watcher.calm = true;
    const startMs = this.clock.monotonicMs();
    const progress = new Progress(
      this.#active,
      {
        operations: this.#operations,
        later: (act) => this.clock.after(spaceKeeperEveryMs * this.#options.stretch, act),
      },
      this.report,
    );
    await this.#run(startMs + forMs / 2);
    await this.#settle(forMs / 4);
    // Whoever asked before the storm ended has an answer by now.
    if (this.#clients.running > 0)
      this.report("progress", `${this.#clients.running} clients still wait for an answer`);
    let probes: readonly Probe[];
    let probedMs: number;
    do {
      probedMs = this.clock.monotonicMs();
      probes = progress.probe();
      await this.#run(probedMs + forMs / 2);
      await this.#settle(forMs / 4);
      if (this.violation !== undefined) return;
      for (const life of this.#living()) this.#memory.rested(life, this.#clients.watchers.length);
      this.#observer.lookClosely();
      // Whoever was found damaged, or took another's place, is asked again.
    } while (this.#changedMs > probedMs);
    progress.finished(probes, this.#committed.lastIndex);
    const { electionMs, leaseTtlMaxS } = this.#options;
    const leaseMs = 1_000 * (1 + leaseTtlMaxS + Math.ceil((1.5 * electionMs) / 1_000));
    this.#leases.finished(this.#committed, startMs + forMs - leaseMs - 5_000);
    for (const watcher of this.#clients.watchers) this.#watches.finished(watcher.position);
    this.#histories.finished(this.#committed.model.keysEver());
  }

  /** Nothing of it happens any more, and nothing keeps it in memory. */
  end(): void {
    this.clock.end();
    this.#end.abort();
  }

  get figures(): Readonly<Record<string, number>> {
    return {
      simulatedMs: Math.round(this.clock.monotonicMs()),
      timers: this.clock.fired,
      entries: this.#committed.lastIndex,
      revision: this.#committed.model.revision,
      lives: this.#machines.reduce((sum, machine) => sum + machine.lives, 0),
      undecided: this.#histories.undecided,
      ...this.#operations.counts,
    };
  }

  /** Whoever looks after the machines replaces one whose disk said that it had synced, and had not: no program can know. What
   *  rotted on a disk its member has to find itself. */
  #replaceLiars(): void {
    for (const machine of this.#machines) {
      if (machine.damage !== "lie" || machine.isBroken) continue;
      this.events.add(`the disk of ${machine.name} is known to have lied`);
      machine.crash("kept");
      machine.isBroken = true;
    }
  }

  /** Lets time pass until nobody was replaced for so long: a member may find only now what rotted on its disk in the storm. */
  async #settle(forMs: number): Promise<void> {
    while (this.#changedMs + forMs > this.clock.monotonicMs() && this.violation === undefined)
      await this.#run(this.#changedMs + forMs);
  }

  #living(): readonly Life[] {
    return this.#active.flatMap(({ life }) => (life?.member === undefined ? [] : [life]));
  }

  /** Now and then all members are asked for the hash of the same revision, as they ask each other, for those of their
   *  compactions, and for what they keep in memory. */
  async #lookAtHistory(): Promise<void> {
    const everyMs = historyEveryMs * this.#options.stretch;
    for (;;) {
      await new Promise<void>((resolve) => this.clock.after(everyMs, resolve));
      const living = this.#living();
      if (living.length === 0) continue;
      const id = Math.min(...living.map(({ member }) => member?.state.reader.revision ?? 1));
      for (const life of living) {
        this.#memory.looked(life);
        const { machine, member } = life;
        for (const hash of member?.state.mvcc.compactionHashes.list() ?? [])
          this.#history.told(machine.name, "at its compaction", hash);
        this.#watched(
          this.#calls.question(machine, { kind: "hashKv", id }, historyEveryMs).then(({ outcome }) => {
            if (outcome.kind !== "answer") return;
            this.#history.told(
              machine.name,
              "as it is",
              hashKvResponse.decode(outcome.response as Uint8Array),
            );
          }),
        );
      }
    }
  }

  async #run(untilMs: number): Promise<void> {
    await this.clock.run(
      untilMs,
      () => this.violation !== undefined,
      () => this.#observer.look(),
    );
  }

  /** As many as there are members, and one that may join. */
  #makeMachines(cluster: InitialCluster, fork: () => Prng, faults: Faults): readonly Machine[] {
    const { members, computeMs, clockDrift } = this.#options;
    return Array.from({ length: members + 1 }, (_, index) => {
      const random = fork();
      const rate = 1 + clockDrift * (2 * (random.uint32() / 2 ** 32) - 1);
      const machine = new Machine(
        index,
        { wallOffsetMs: 0, rate, computeMs },
        this.#machineParts(random, faults),
      );
      const member = cluster.members.find(({ name }) => name === machine.name);
      if (member !== undefined) machine.enrol(member.id, { kind: "new", cluster, memberId: member.id });
      return machine;
    });
  }

  #machineParts(random: Random, faults: Faults): MachineParts {
    return {
      options: this.#options,
      clock: this.clock,
      random,
      network: this.#network,
      faults,
      end: this.#end.signal,
      onStarted: (life, member) => this.#started(life, member),
      onFailure: (life, error) => this.#failed(life, error),
      onRecovered: (life, recovered) => this.#recovered(life, recovered),
      onDiskStep: (life, step) => this.#nemesis.diskStep(life, step),
      watchLog: (life, log) => {
        this.#observer.watchLog(life, log);
        log.beforeMark = () => {
          this.#nemesis.marking(life);
          return life.clock.isAlive;
        };
      },
    };
  }

  #activate(): void {
    this.#changedMs = this.clock.monotonicMs();
    this.#active.splice(0, this.#active.length, ...this.#machines.filter(({ id }) => id !== 0n));
  }

  /** A log was opened: what it said to keep must be there, unless the disk is known to have lied. */
  #recovered(life: Life, recovered: Recovered): void {
    const problem = this.#promises.reopened(life.id, recovered);
    if (problem === undefined) return;
    const { machine } = life;
    if (machine.damage === "lie") {
      // At once: it may be killed before it ends of it, and the log now goes for what it always said.
      machine.isBroken = true;
      throw new BrokenPromiseError(problem);
    }
    this.report("kept promises", `${machine.name}: ${problem}`);
  }

  #started(life: Life, member: StoreMember): void {
    this.events.add(`${life.machine.name} serves, life ${life.number}, applied ${member.state.appliedIndex}`);
  }

  #failed(life: Life, error: unknown): void {
    if (!life.clock.isAlive) return;
    const { machine } = life;
    if (error instanceof MemberRemovedError) {
      this.events.add(`${machine.name} was removed`);
      machine.retire();
      this.#activate();
      return;
    }
    if (error instanceof BrokenPromiseError || (machine.damage !== undefined && isNamed(error))) {
      this.events.add(`${machine.name} is refused: ${error instanceof Error ? error.message : error}`);
      machine.crash("kept");
      machine.isBroken = true;
      this.#changedMs = this.clock.monotonicMs();
      return;
    }
    if (life.diskFailure !== undefined && isNamed(error)) {
      this.events.add(`${machine.name} ends, after ${life.diskFailure}`);
      this.#nemesis.ended(machine);
      return;
    }
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const cause = error instanceof Error && error.cause instanceof Error ? `\n${error.cause.stack}` : "";
    this.report("members live", `${machine.name} ended by itself: ${what}${cause}`);
  }

  #backup(machine: Machine): { abort(): void } {
    const stream = this.#calls.stream(machine, methods.snapshot as AnyMethod, {
      message: () => undefined,
      end: () => undefined,
      readMs: () => 20,
    });
    stream.send({});
    stream.halfClose();
    return stream;
  }

  /** A write that nobody waits for. */
  #writeTail(machine: Machine): void {
    const request = { key: Buffer.from("tail"), value: Buffer.from(String(++this.#tailWrites)) };
    const wanted = { kind: "put", request, serializable: false } as const;
    this.#watched(this.#operations.run("tail", machine, wanted).then(() => undefined));
  }

  #watched(running: Promise<void>): void {
    running.catch((error: unknown) =>
      this.report("no crash", error instanceof Error ? String(error.stack) : String(error)),
    );
  }
}

function initialCluster(members: number): InitialCluster {
  const names = Array.from({ length: members }, (_, at) => `m${at + 1}`);
  return newCluster(new Map(names.map((name) => [name, [`http://${name}:2380`]])), "simulation");
}

/** Whether an error, or what caused it, says what is wrong with the disk. */
function isNamed(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return diskErrors.has(error.name) || /^(EIO|ENOSPC): /.test(error.message) || isNamed(error.cause);
}
