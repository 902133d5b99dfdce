import { below, chance, type Random } from "../../base/os/random.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { StoreError } from "../../store/errors.ts";
import type { MemberId, Message } from "../../store/raft/types.ts";
import { answerOf } from "../../store/rpc/promised-answer.ts";
import { DiskTroubles } from "./disk-troubles.ts";
import type { EventLog } from "./event-log.ts";
import type { DiskStep } from "./faulty-disk.ts";
import { FigureEight, isSpreading } from "./figure-eight.ts";
import { sendHostileFrame } from "./hostile-frames.ts";
import { InterruptedInstall } from "./interrupted-install.ts";
import type { Life, Machine } from "./machine.ts";
import { type SimOptions, type Trouble, troubles } from "./options.ts";
import { ownCall } from "./own-call.ts";
import { RareWindows } from "./rare-windows.ts";
import type { Report } from "./report.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";

/** Makes trouble while the storm lasts. Every trouble ends by itself after a while. */
export class Nemesis {
  readonly #options: SimOptions;
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #network: SimNetwork;
  readonly #machines: readonly Machine[];
  readonly #events: EventLog;
  readonly #report: Report;
  readonly #backup: (machine: Machine) => { abort(): void };
  /** New leaders that will be cut off, and the entries they may send before. */
  readonly #marked = new Map<Life, number>();
  readonly #paused = new Set<Life>();
  readonly #figureEight: FigureEight | undefined;
  readonly #interruptedInstall: InterruptedInstall;
  readonly #disks: DiskTroubles;
  readonly #rareWindows: RareWindows;
  #isOver = false;

  constructor(
    options: SimOptions,
    parts: {
      readonly clock: SimClock;
      readonly random: Random;
      readonly network: SimNetwork;
      readonly machines: readonly Machine[];
      readonly events: EventLog;
      /** How many have a vote; undefined while that is changing. */
      readonly voters: () => number | undefined;
      /** Whether a member knows after any crash who has a vote now. */
      readonly isSettled: (machine: Machine) => boolean;
      /** Begins to read a member's whole state. */
      readonly backup: (machine: Machine) => { abort(): void };
      /** Asks a member to write something, whatever comes of it. */
      readonly write: (machine: Machine) => void;
      readonly report: Report;
    },
  ) {
    this.#options = options;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#network = parts.network;
    this.#machines = parts.machines;
    this.#events = parts.events;
    this.#backup = parts.backup;
    this.#report = parts.report;
    const cutter = {
      isolate: (machine: Machine) => this.#isolate(machine, options.stormMs),
      release: (machine: Machine) => this.#release(machine),
      crash: (machine: Machine) => this.#crash(machine, chance(this.#random, 0.5) ? "kept" : "cut", 1),
      write: parts.write,
    };
    this.#disks = new DiskTroubles(parts);
    this.#rareWindows = new RareWindows(options, {
      random: parts.random,
      crash: (machine, power, forMs) => this.#crash(machine, power, forMs),
    });
    this.#interruptedInstall = new InterruptedInstall(options, {
      machines: parts.machines,
      random: parts.random,
      cutter,
    });
    if (options.interruptedInstallEveryMs > 0) {
      this.#interruptAgain();
      this.#watchInstall();
    }
    if (options.figureEightEveryMs === 0) return;
    this.#figureEight = new FigureEight(parts.machines, { random: parts.random, cutter });
    this.#playAgain();
  }

  /** A play that got stuck begins anew. */
  #playAgain(): void {
    this.#clock.after(this.#options.figureEightEveryMs, () => {
      if (this.#isOver) return;
      this.#figureEight?.restart();
      this.#playAgain();
    });
  }

  #interruptAgain(): void {
    this.#clock.after(this.#options.interruptedInstallEveryMs, () => {
      if (this.#isOver) return;
      this.#interruptedInstall.play();
      this.#interruptAgain();
    });
  }

  #watchInstall(): void {
    this.#clock.after(this.#options.heartbeatMs, () => {
      if (this.#isOver) return;
      this.#interruptedInstall.look();
      this.#watchInstall();
    });
  }

  start(): void {
    const { troubleEveryMs } = this.#options;
    this.#clock.after(2 * troubleEveryMs * (this.#random.uint32() / 2 ** 32), () => {
      if (this.#isOver) return;
      this.#trouble(this.#pickTrouble());
      this.start();
    });
  }

  /** The storm is over: everything works again. */
  stop(): void {
    this.#isOver = true;
    this.#network.calm = true;
    this.#network.mendAll();
    this.#disks.mendAll();
    for (const life of [...this.#paused]) this.#resume(life);
    for (const machine of this.#machines) machine.start();
  }

  /** A member became the leader. */
  elected(life: Life): void {
    if (!this.#isOver) this.#figureEight?.elected(life);
    if (this.#isOver || !chance(this.#random, this.#options.cutNewLeaderChance)) return;
    // Often its own first entry stays with it alone; else it gets as far as the entries of a former term, and no further.
    this.#marked.set(life, chance(this.#random, 0.5) ? 0 : 1 + below(this.#random, 4));
    // With little to send it would stay for ever.
    this.#clock.after(3 * this.#options.electionMs, () => {
      if (this.#isOver || !this.#marked.has(life) || life.machine.life !== life) return;
      this.#marked.set(life, 0);
      this.#leaderSends(life);
    });
  }

  /** A member is about to mark a snapshot, which is its state already, in its log. */
  marking(life: Life): void {
    if (!this.#isOver) this.#interruptedInstall.marking(life);
  }

  /** A process takes a step on its disk; it may be its last. */
  diskStep(life: Life, step: DiskStep): void {
    if (!this.#isOver && life.clock.isAlive) this.#rareWindows.step(life, step);
  }

  /** A member ended by itself, for a reason: it comes back after a while. */
  ended(machine: Machine): void {
    this.#crash(machine, chance(this.#random, 0.5) ? "kept" : "cut", 100 + below(this.#random, 2_000));
  }

  /** A message is about to leave. */
  sending(life: Life, message: Message): void {
    if (this.#isOver) return;
    if (isSpreading(message)) {
      this.#figureEight?.sending(life);
      this.#leaderSends(life);
    }
    if (message.type === "voteResponse" && !message.reject) this.#voterSends(life);
  }

  #leaderSends(life: Life): void {
    const left = this.#marked.get(life);
    if (left === undefined) return;
    if (left > 0) {
      this.#marked.set(life, left - 1);
      return;
    }
    this.#marked.delete(life);
    const forMs = this.#options.electionMs * (1 + 4 * (this.#random.uint32() / 2 ** 32));
    if (chance(this.#random, 0.8)) this.#isolate(life.machine, forMs);
    else this.#crash(life.machine, "kept", forMs);
  }

  #voterSends(life: Life): void {
    if (!chance(this.#random, this.#options.crashVoterChance)) return;
    // The vote still gets out: the machine falls right after.
    life.clock.after(0, () => {
      if (life.machine.life === life) this.#crash(life.machine, "cut", 1);
    });
  }

  #pickTrouble(): Trouble {
    const { weights } = this.#options;
    let roll = below(
      this.#random,
      troubles.reduce((sum, trouble) => sum + weights[trouble], 0),
    );
    for (const trouble of troubles) {
      roll -= weights[trouble];
      if (roll < 0) return trouble;
    }
    return "breakConnections";
  }

  #trouble(trouble: Trouble): void {
    const machine = this.#any(this.#machines);
    if (machine === undefined) return;
    const other = this.#any(this.#machines.filter((one) => one !== machine)) ?? machine;
    const forMs = this.#duration();
    switch (trouble) {
      case "kill":
        this.#crash(machine, "kept", forMs);
        return;
      case "powerCut":
        this.#crash(machine, "cut", forMs);
        return;
      case "powerCutAll":
        for (const one of [...this.#machines]) this.#crash(one, "cut", 1 + below(this.#random, 300));
        return;
      case "isolate":
        this.#isolate(machine, forMs);
        return;
      case "isolateLeader":
        this.#isolate(this.#leader() ?? machine, forMs);
        return;
      case "oneWay":
        this.#cut([[machine, other]], forMs);
        return;
      case "cutLink":
        this.#cut(
          [
            [machine, other],
            [other, machine],
          ],
          forMs,
        );
        return;
      case "pause":
        this.#pause(machine, forMs);
        return;
      case "pauseLeader":
        this.#pause(this.#leader() ?? machine, forMs);
        return;
      case "moveLeader":
        this.#moveLeader(machine);
        return;
      case "breakConnections":
        this.#events.add(`connections ${machine.name}-${other.name} break`);
        this.#network.breakConnections(machine, other);
        return;
      case "jumpClock":
        machine.pace.wallOffsetMs = (chance(this.#random, 0.5) ? 1 : -1) * below(this.#random, 7_200_000);
        this.#events.add(`the clock of ${machine.name} jumps to ${machine.pace.wallOffsetMs} ms off`);
        return;
      case "failDisk":
        this.#disks.fail(machine);
        return;
      case "fillDisk":
        this.#disks.fill(machine, forMs);
        return;
      case "slowDisk":
        this.#disks.slow(machine, forMs);
        return;
      case "lieOnDisk":
        this.#disks.lie(machine, forMs);
        return;
      case "rotOnDisk":
        this.#disks.rot(machine);
        return;
      case "defragment":
        this.#defragment(machine);
        return;
      case "readSnapshot":
        this.#readSnapshot(machine);
        return;
      case "hostileFrame":
        this.#sendHostileFrame(machine, other.id);
    }
  }

  #duration(): number {
    const { electionMs } = this.#options;
    const base = chance(this.#random, 0.3) ? Math.max(4_000, 4 * electionMs) : electionMs * 2;
    return 1 + below(this.#random, base);
  }

  #any(from: readonly Machine[]): Machine | undefined {
    return from[below(this.#random, from.length)];
  }

  #leader(): Machine | undefined {
    const leaders = this.#machines.filter(({ life }) => life?.member?.driver.status.role === "leader");
    return leaders[below(this.#random, leaders.length)];
  }

  #crash(machine: Machine, power: "kept" | "cut", forMs: number): void {
    if (machine.life === undefined) return;
    this.#events.add(`${machine.name} dies, power ${power}`);
    this.#paused.delete(machine.life);
    machine.crash(power);
    this.#clock.after(forMs, () => {
      if (machine.life !== undefined) return;
      this.#events.add(`${machine.name} starts`);
      machine.start();
    });
  }

  #isolate(machine: Machine, forMs: number): void {
    this.#cut(this.#linksOf(machine), forMs);
  }

  #release(machine: Machine): void {
    for (const [from, to] of this.#linksOf(machine)) this.#network.mend(from, to);
  }

  #linksOf(machine: Machine): readonly (readonly [Machine, Machine])[] {
    const others = this.#machines.filter((one) => one !== machine);
    return others.flatMap((other): [Machine, Machine][] => [
      [machine, other],
      [other, machine],
    ]);
  }

  #cut(pairs: readonly (readonly [Machine, Machine])[], forMs: number): void {
    this.#events.add(`cut ${pairs.map(([from, to]) => `${from.name}>${to.name}`).join(" ")}`);
    for (const [from, to] of pairs) this.#network.cut(from, to);
    this.#clock.after(forMs, () => {
      for (const [from, to] of pairs) this.#network.mend(from, to);
    });
  }

  #pause(machine: Machine, forMs: number): void {
    const { life } = machine;
    if (life === undefined || this.#paused.has(life)) return;
    this.#events.add(`${machine.name} stands still`);
    this.#paused.add(life);
    life.clock.pause();
    this.#clock.after(forMs, () => this.#resume(life));
  }

  /** Whoever leads is asked to hand over; being refused, or too late, is an answer as well. */
  #moveLeader(to: Machine): void {
    const from = this.#leader() ?? to;
    this.#events.add(`${from.name} is to hand over to ${to.name}`);
    this.#ask(from, methods.moveLeader.path, methods.moveLeader.request.encode({ targetId: to.id }));
  }

  #defragment(machine: Machine): void {
    this.#events.add(`${machine.name} is to give space back`);
    this.#ask(machine, methods.defragment.path, new Uint8Array(0));
  }

  /** Somebody takes a backup and does not wait for its end. */
  #readSnapshot(machine: Machine): void {
    this.#events.add(`a backup of ${machine.name} begins`);
    const stream = this.#backup(machine);
    this.#clock.after(this.#duration(), () => stream.abort());
  }

  #sendHostileFrame(machine: Machine, from: MemberId): void {
    const { life } = machine;
    if (life === undefined || from === life.id) return;
    const parts = { random: this.#random, report: this.#report };
    life.clock.after(0, () =>
      this.#events.add(`${machine.name} gets a message ${sendHostileFrame(life, from, parts)}`),
    );
  }

  /** Of one member, whatever it answers. */
  #ask(machine: Machine, path: string, request: Uint8Array): void {
    const { life } = machine;
    const handler = life?.member?.handlers.unary.get(path);
    if (life === undefined || handler === undefined) return;
    life.clock.after(0, () => {
      answerOf(handler, request, ownCall).catch((error: unknown) => {
        if (!life.clock.isAlive) return;
        if (!(error instanceof StoreError) && life.diskFailure === undefined && machine.damage === undefined)
          throw error;
        this.#events.add(
          `${machine.name} refuses ${path}: ${error instanceof Error ? error.message : error}`,
        );
      });
    });
  }

  #resume(life: Life): void {
    if (!this.#paused.delete(life)) return;
    this.#events.add(`${life.machine.name} goes on`);
    life.clock.resume();
  }
}
