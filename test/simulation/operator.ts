import { below, chance, type Random } from "../../base/os/random.ts";
import type { Encodable } from "../../base/protobuf.ts";
import type { MemberAddResponse, MembersResponse, WireMember } from "../../proto/etcd-cluster.ts";
import { methods } from "../../proto/etcd-methods.ts";
import type { Calls } from "./calls.ts";
import type { EventLog } from "./event-log.ts";
import type { Machine } from "./machine.ts";
import type { AnyMethod } from "./operation.ts";
import type { SimOptions } from "./options.ts";
import type { SimClock } from "./sim-clock.ts";

const everyMs = 250;
const patienceMs = 3_000;

export interface OperatorParts {
  readonly clock: SimClock;
  readonly calls: Calls;
  readonly events: EventLog;
  readonly random: Random;
  /** Every machine, those included that belong to no cluster. */
  readonly machines: readonly Machine[];
  readonly clusterId: bigint;
  /** To be called when a machine begins or ceases to belong to the cluster. */
  readonly changed: () => void;
}

/** Whoever runs the cluster: looks again and again at who belongs to it, replaces machines whose data is damaged, and in the
 *  storm exchanges others for no reason. Takes one step at a time and asks the cluster before the next. */
export class Operator {
  readonly #options: SimOptions;
  readonly #parts: OperatorParts;
  #addresses = 0;
  #nextChurnMs: number;
  isCalm = false;
  /** How many have a vote; undefined from when a change was asked for until it is known what became of it. */
  voters: number | undefined;

  constructor(options: SimOptions, parts: OperatorParts) {
    this.#options = options;
    this.#parts = parts;
    this.#nextChurnMs = this.#pause();
    this.voters = options.members;
  }

  /** Runs as long as the world does. Rejects when a step breaks. */
  async run(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => this.#parts.clock.after(everyMs * this.#options.stretch, resolve));
      await this.#step();
    }
  }

  async #step(): Promise<void> {
    const { machines } = this.#parts;
    const isBusy =
      this.voters === undefined ||
      machines.some((one) => one.isBroken || one.isCatchingUp || this.#isStranded(one));
    const isDue =
      !this.isCalm && this.#options.churnEveryMs > 0 && this.#parts.clock.monotonicMs() > this.#nextChurnMs;
    const isShort = machines.filter(({ id }) => id !== 0n).length < this.#options.members;
    if (!isBusy && !isDue && !isShort) return;
    const members = await this.#members();
    if (members === undefined) return;
    if (await this.#tidyUp(members)) return;
    if (isShort) await this.#add(members);
    else if (isDue) await this.#churn(members);
  }

  /** True: there was something to do. */
  async #tidyUp(members: readonly WireMember[]): Promise<boolean> {
    const { machines } = this.#parts;
    const stray = members.find((member) => !machines.some(({ id }) => id === member.id));
    if (stray !== undefined) {
      await this.#ask(methods.memberRemove, { id: stray.id });
      return true;
    }
    const broken = machines.find(({ isBroken }) => isBroken);
    if (broken !== undefined) {
      if (members.some(({ id }) => id === broken.id))
        await this.#ask(methods.memberRemove, { id: broken.id });
      else this.#retire(broken);
      return true;
    }
    // It was taken out, and knows nobody any more who could tell it.
    const stranded = machines.find(
      (one) => this.#isStranded(one) && !members.some(({ id }) => id === one.id),
    );
    if (stranded !== undefined) {
      this.#retire(stranded);
      return true;
    }
    const learner = members.find(({ isLearner }) => isLearner);
    if (learner !== undefined) {
      await this.#ask(methods.memberPromote, { id: learner.id });
      return true;
    }
    for (const machine of machines) machine.isCatchingUp = false;
    this.voters = members.length;
    return false;
  }

  /** Whether all others that its member knows of are gone, where it runs. */
  #isStranded({ id, life }: Machine): boolean {
    const others = this.#parts.machines.filter((one) => one.id !== id);
    return life !== undefined && !life.peers.some((peer) => others.some((other) => other.id === peer));
  }

  async #churn(members: readonly WireMember[]): Promise<void> {
    this.#nextChurnMs = this.#parts.clock.monotonicMs() + this.#pause();
    const { random } = this.#parts;
    if (members.length <= this.#options.members && chance(random, 0.7)) await this.#add(members);
    // A machine may not know yet that it was taken out: what the cluster says counts.
    else if (members.length < Math.max(2, this.#options.members)) return;
    // Whose disk is damaged may be lost at any time; the others must then be enough.
    else if (!this.#parts.machines.some(({ damage }) => damage !== undefined))
      await this.#ask(methods.memberRemove, { id: members[below(random, members.length)]?.id ?? 0n });
  }

  async #add(members: readonly WireMember[]): Promise<void> {
    const { machines, clusterId, events, changed } = this.#parts;
    const spare = machines.find(({ id }) => id === 0n);
    if (spare === undefined || members.some(({ isLearner }) => isLearner)) return;
    const peerUrls = [`http://${spare.name}.${++this.#addresses}:2380`];
    const added = await this.#ask(methods.memberAdd, { peerUrls, isLearner: true });
    const memberId = (added as MemberAddResponse | undefined)?.member?.id;
    if (memberId === undefined) return;
    events.add(`${spare.name} joins as ${memberId.toString(16)}`);
    spare.enrol(memberId, { kind: "join", identity: { clusterId, memberId }, remotes: [] });
    spare.isCatchingUp = true;
    changed();
    spare.start();
  }

  #retire(machine: Machine): void {
    this.#parts.events.add(`${machine.name} gets an empty disk`);
    machine.retire();
    this.#parts.changed();
  }

  async #members(): Promise<readonly WireMember[] | undefined> {
    const answer = await this.#ask(methods.memberList, { linearizable: true });
    return (answer as MembersResponse | undefined)?.members;
  }

  /** Of whoever leads; undefined for anything but an answer. */
  async #ask(method: unknown, request: Encodable<object>): Promise<object | undefined> {
    const { machines, calls, events } = this.#parts;
    const leader = machines.find(({ life }) => life?.member?.driver.status.role === "leader");
    if (leader === undefined) return undefined;
    const asked = method as AnyMethod;
    if (asked !== (methods.memberList as unknown)) this.voters = undefined;
    const { outcome } = await calls.unary(leader, asked, asked.request.encode(request), patienceMs);
    if (asked !== (methods.memberList as unknown))
      events.add(
        `the operator asks ${leader.name} ${asked.path}: ${outcome.kind === "error" ? outcome.code : outcome.kind}`,
      );
    return outcome.kind === "answer" ? outcome.response : undefined;
  }

  #pause(): number {
    return 2 * this.#options.churnEveryMs * (this.#parts.random.uint32() / 2 ** 32);
  }
}
