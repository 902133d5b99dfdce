import { Prng } from "../../base/os/random.ts";
import type { MemberDoors, StoreMember } from "../../store/create-member.ts";
import { newCluster } from "../../store/membership/initial-cluster.ts";
import { Calls } from "./calls.ts";
import { AppliedOnce } from "./checkers/applied-once.ts";
import { CommitOrder } from "./checkers/commit-order.ts";
import { ElectionSafety } from "./checkers/election-safety.ts";
import { EqualState } from "./checkers/equal-state.ts";
import { ExactlyOnce } from "./checkers/exactly-once.ts";
import { LeaderCompleteness } from "./checkers/leader-completeness.ts";
import { Leases } from "./checkers/leases.ts";
import { Linearizability } from "./checkers/linearizability.ts";
import { LogMatching } from "./checkers/log-matching.ts";
import { Progress } from "./checkers/progress.ts";
import { SerializableReads } from "./checkers/serializable.ts";
import { StateMachineSafety } from "./checkers/state-machine-safety.ts";
import { Watches } from "./checkers/watches.ts";
import { runKeyClient } from "./clients/key-client.ts";
import { runLeaseholder } from "./clients/leaseholder.ts";
import { WatchClient } from "./clients/watch-client.ts";
import { Workload } from "./clients/workload.ts";
import { CommittedLog } from "./committed-log.ts";
import { EventLog } from "./event-log.ts";
import { type Life, Machine } from "./machine.ts";
import { Nemesis } from "./nemesis.ts";
import { Observer } from "./observer.ts";
import { Operations } from "./operations.ts";
import type { SimOptions } from "./options.ts";
import { SimClock } from "./sim-clock.ts";
import { SimNetwork } from "./sim-network.ts";
import { Violation } from "./violation.ts";

const memberNames = ["m1", "m2", "m3"] as const;

/** Three machines, their clients, and what is wrong with the wires; and everybody who looks on. */
export class World {
  readonly clock = new SimClock();
  readonly events = new EventLog(() => this.clock.monotonicMs());
  readonly #options: SimOptions;
  readonly #prng: Prng;
  readonly #network: SimNetwork;
  readonly #machines: readonly Machine[];
  readonly #committed: CommittedLog;
  readonly #linearizability: Linearizability;
  readonly #leases: Leases;
  readonly #watches: Watches;
  readonly #appliedOnce: AppliedOnce;
  readonly #watchers: WatchClient[] = [];
  readonly #observer: Observer;
  readonly #nemesis: Nemesis;
  readonly #operations: Operations;
  readonly #calls: Calls;
  readonly #knowledge = { revision: 1, leases: [] as bigint[] };
  #isStormOver = false;
  #clientsRunning = 0;
  #lastLease = 0n;
  #tailWrites = 0;
  violation: Violation | undefined;

  constructor(options: SimOptions, faults: NonNullable<MemberDoors["faults"]>) {
    this.#options = options;
    this.#prng = new Prng(options.seed);
    const fork = () => new Prng(this.#prng.uint32());
    const { clock, events, report } = this;
    this.#network = new SimNetwork({ clock, random: fork(), options, events });
    const minTtlS = Math.ceil((1.5 * options.electionMs) / 1_000);
    this.#leases = new Leases({ minTtlS }, report);
    const committed = new CommittedLog([this.#leases, new ExactlyOnce(report)]);
    this.#committed = committed;
    this.#linearizability = new Linearizability(committed, report);
    this.#watches = new Watches(committed, report);
    this.#appliedOnce = new AppliedOnce(report);
    this.#machines = this.#makeMachines(fork, faults);
    this.#calls = new Calls(clock, this.#network);
    this.#operations = new Operations({
      calls: this.#calls,
      events,
      random: fork(),
      linearizability: this.#linearizability,
      serializable: new SerializableReads(committed, report),
      appliedOnce: this.#appliedOnce,
      knowledge: this.#knowledge,
    });
    this.#nemesis = new Nemesis(options, {
      clock,
      random: fork(),
      network: this.#network,
      machines: this.#machines,
      events,
      write: (machine) => this.#writeTail(machine),
    });
    this.#network.onSend = (life, message) => this.#nemesis.sending(life, message);
    this.#observer = new Observer({
      machines: this.#machines,
      committed,
      elections: new ElectionSafety(report),
      matching: new LogMatching(report),
      completeness: new LeaderCompleteness(report),
      order: new CommitOrder(report),
      safety: new StateMachineSafety(committed, report),
      equal: new EqualState(committed, report),
      events,
      nowMs: () => clock.monotonicMs(),
      report,
      onElected: (life) => this.#nemesis.elected(life),
    });
  }

  /** The first broken property ends the run. */
  readonly report = (property: string, what: string): void => {
    if (this.violation !== undefined) return;
    this.violation = new Violation(property, what);
    this.events.add(`VIOLATION ${property}: ${what}`);
  };

  async storm(): Promise<void> {
    for (const machine of this.#machines) machine.start();
    this.#nemesis.start();
    this.#startClients();
    await this.#run(this.#options.stormMs);
  }

  /** Everything works again; now the members must agree, and answer. */
  async calm(forMs: number): Promise<void> {
    if (this.violation !== undefined) return;
    this.events.add("the storm is over");
    this.#isStormOver = true;
    this.#nemesis.stop();
    for (const watcher of this.#watchers) watcher.calm = true;
    const startMs = this.clock.monotonicMs();
    const progress = new Progress(this.#machines, this.#operations, this.report);
    await this.#run(startMs + forMs / 2);
    // Whoever asked before the storm ended has an answer by now.
    if (this.#clientsRunning > 0)
      this.report("progress", `${this.#clientsRunning} clients still wait for an answer`);
    const probes = progress.probe();
    await this.#run(startMs + forMs);
    if (this.violation !== undefined) return;
    this.#observer.lookClosely();
    progress.finished(probes, this.#committed.lastIndex);
    const leaseMs = 1_000 * (4 + Math.ceil((1.5 * this.#options.electionMs) / 1_000));
    this.#leases.finished(this.#committed, startMs + forMs - leaseMs - 5_000);
    for (const watcher of this.#watchers) this.#watches.finished(watcher.position);
  }

  get figures(): Readonly<Record<string, number>> {
    return {
      simulatedMs: Math.round(this.clock.monotonicMs()),
      timers: this.clock.fired,
      entries: this.#committed.lastIndex,
      revision: this.#committed.model.revision,
      lives: this.#machines.reduce((sum, machine) => sum + machine.lives, 0),
      ...this.#operations.counts,
    };
  }

  async #run(untilMs: number): Promise<void> {
    await this.clock.run(
      untilMs,
      () => this.violation !== undefined,
      () => this.#observer.look(),
    );
  }

  #makeMachines(fork: () => Prng, faults: NonNullable<MemberDoors["faults"]>): readonly Machine[] {
    const urls = new Map(memberNames.map((name) => [name, [`http://${name}:2380`]]));
    const cluster = newCluster(urls, "simulation");
    return memberNames.map((name, index) => {
      const id = cluster.members.find((member) => member.name === name)?.id ?? 0n;
      const machine = new Machine(index, id, {
        options: this.#options,
        clock: this.clock,
        random: fork(),
        network: this.#network,
        cluster,
        faults,
        onStarted: (life, member) => this.#started(life, member),
        onFailure: (life, error) => this.#failed(life, error),
        watchLog: (life, log) => {
          this.#observer.watchLog(life, log);
          log.beforeMark = () => {
            this.#nemesis.marking(life);
            return life.clock.isAlive;
          };
        },
      });
      this.#network.add(machine);
      return machine;
    });
  }

  #started(life: Life, member: StoreMember): void {
    this.events.add(`${life.machine.name} serves, life ${life.number}, applied ${member.state.appliedIndex}`);
  }

  #failed(life: Life, error: unknown): void {
    if (!life.clock.isAlive) return;
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const cause = error instanceof Error && error.cause instanceof Error ? `\n${error.cause.stack}` : "";
    this.report("members live", `${life.machine.name} ended by itself: ${what}${cause}`);
  }

  #startClients(): void {
    const { clock, events } = this;
    const { clients, watchers, leaseholders, keys, thinkMs } = this.#options;
    const machines = this.#machines;
    const calls = this.#calls;
    const operations = this.#operations;
    const knowledge = this.#knowledge;
    const isOver = () => this.#isStormOver;
    for (let i = 1; i <= clients; i++) {
      const random = new Prng(this.#prng.uint32());
      const workload = new Workload(`c${i}`, random, { keys, knowledge });
      const parts = { clock, calls, machines, operations, random, thinkMs, isOver };
      this.#own(runKeyClient(`c${i}`, workload, parts));
    }
    for (let i = 1; i <= watchers; i++) {
      const random = new Prng(this.#prng.uint32());
      const parts = {
        name: `w${i}`,
        clock,
        calls,
        machines,
        random,
        checker: this.#watches,
        events,
        appliedOnce: this.#appliedOnce,
      };
      const watcher = new WatchClient(parts);
      this.#watchers.push(watcher);
      watcher.start();
    }
    for (let i = 1; i <= leaseholders; i++) {
      const random = new Prng(this.#prng.uint32());
      const newLease = () => ++this.#lastLease;
      const granted = (id: bigint) => {
        knowledge.leases.push(id);
        if (knowledge.leases.length > 6) knowledge.leases.shift();
      };
      const parts = { clock, calls, machines, operations, random, isOver, events, newLease, granted };
      this.#own(runLeaseholder({ ...parts, name: `l${i}`, checker: this.#leases }));
    }
  }

  /** A write that nobody waits for. */
  #writeTail(machine: Machine): void {
    const request = { key: Buffer.from("tail"), value: Buffer.from(String(++this.#tailWrites)) };
    this.#operations
      .run("tail", machine, { kind: "put", request, serializable: false })
      .catch((error: unknown) => {
        this.report("no crash", error instanceof Error ? String(error.stack) : String(error));
      });
  }

  #own(client: Promise<void>): void {
    this.#clientsRunning++;
    client.then(
      () => {
        this.#clientsRunning--;
      },
      (error: unknown) =>
        this.report("no crash", error instanceof Error ? String(error.stack) : String(error)),
    );
  }
}
