import { latin1Bytes } from "../../base/wire.ts";
import type { AuthState } from "../../store/auth/auth-state.ts";
import { BackendError } from "../../store/backend/backend.ts";
import type { StoreMember } from "../../store/create-member.ts";
import { type AuthModel, permissionOf } from "../model/auth-model.ts";
import { kvOf } from "./answers.ts";
import type { BoundedWrites } from "./checkers/bounded-writes.ts";
import type { CommitOrder } from "./checkers/commit-order.ts";
import type { ElectionSafety } from "./checkers/election-safety.ts";
import { type EqualState, sortedPermissions } from "./checkers/equal-state.ts";
import type { KeptPromises } from "./checkers/kept-promises.ts";
import type { LeaderCompleteness } from "./checkers/leader-completeness.ts";
import type { LogMatching } from "./checkers/log-matching.ts";
import type { StateMachineSafety } from "./checkers/state-machine-safety.ts";
import type { CommittedLog } from "./committed-log.ts";
import type { EventLog } from "./event-log.ts";
import type { Life, Machine } from "./machine.ts";
import type { MemberLog } from "./member-log.ts";
import type { Report } from "./report.ts";

/** Applied entries after which a member's whole state is compared. */
const wholeEvery = 40;

export interface ObserverParts {
  readonly machines: readonly Machine[];
  readonly committed: CommittedLog;
  readonly elections: ElectionSafety;
  readonly matching: LogMatching;
  readonly completeness: LeaderCompleteness;
  readonly order: CommitOrder;
  readonly safety: StateMachineSafety;
  readonly equal: EqualState;
  readonly promises: KeptPromises;
  readonly bounded: BoundedWrites;
  readonly events: EventLog;
  readonly nowMs: () => number;
  readonly report: Report;
  readonly onElected: (life: Life) => void;
}

interface Seen {
  turns: number;
  applied: number;
  whole: number;
  term: number;
  isLeader: boolean;
}

/** Looks at every member after every event and feeds the checkers. */
export class Observer {
  readonly #parts: ObserverParts;
  readonly #seen = new WeakMap<Life, Seen>();

  constructor(parts: ObserverParts) {
    this.#parts = parts;
  }

  /** A life opened its log. */
  watchLog(life: Life, log: MemberLog): void {
    const { matching, completeness } = this.#parts;
    const { name } = life.machine;
    log.listen({
      written: (entry, before) => {
        matching.written(name, entry);
        if (entry.term > before.term)
          completeness.termBegins(name, entry, before, (index) => log.at(index)?.chain);
      },
      writing: (batch) => this.#parts.promises.writing(life.id, batch),
      kept: (batch) => this.#parts.promises.kept(life.id, batch),
      chainAt: (at) => {
        const known = this.#parts.committed.at(at.index)?.entry;
        return known?.term === at.term ? known.chain : matching.chainAt(at);
      },
    });
  }

  look(): void {
    this.#parts.bounded.look(this.#parts.nowMs());
    for (const { life } of this.#parts.machines)
      if (life?.member !== undefined && life.log !== undefined) this.#look(life, life.member, life.log);
  }

  /** The whole state of everybody. */
  lookClosely(): void {
    for (const { life } of this.#parts.machines)
      if (life?.member !== undefined) this.#whole(life, life.member);
  }

  #look(life: Life, member: StoreMember, log: MemberLog): void {
    const { elections, order, equal, events, onElected } = this.#parts;
    const seen = this.#seenOf(life);
    if (seen.turns === life.clock.turns) return;
    seen.turns = life.clock.turns;
    const { name } = life.machine;
    const { role, term, committed } = member.driver.status;
    const { appliedIndex: applied } = member.state;
    const { revision } = member.state.reader;
    const isLeader = role === "leader";
    if (isLeader && !(seen.isLeader && seen.term === term)) {
      events.add(`${name} leads in term ${term}`);
      elections.leads(name, term);
      onElected(life);
    }
    seen.isLeader = isLeader;
    seen.term = term;
    order.looked(life, name, { committed, applied, revision });
    if (applied === seen.applied) return;
    this.#applied(life, log, { to: applied, term });
    seen.applied = applied;
    equal.revision(name, applied, revision);
    if (seen.whole >= 0 && applied - seen.whole < wholeEvery) return;
    seen.whole = applied;
    this.#whole(life, member);
  }

  #seenOf(life: Life): Seen {
    let seen = this.#seen.get(life);
    if (seen === undefined) {
      seen = { turns: -1, applied: -1, whole: -1, term: 0, isLeader: false };
      this.#seen.set(life, seen);
    }
    return seen;
  }

  #applied(life: Life, log: MemberLog, at: { to: number; term: number }): void {
    const { committed, safety, completeness, report, nowMs } = this.#parts;
    const { name } = life.machine;
    for (let index = committed.lastIndex + 1; index <= at.to; index++) {
      const entry = log.at(index);
      if (entry === undefined) {
        report("state machine safety", `${name} applied entry ${index}, which is in no log`);
        return;
      }
      const before = committed.at(index - 1)?.entry.chain ?? 0;
      const own = log.at(index - 1)?.chain ?? before;
      if (own !== before) break; // reported below
      committed.add(entry, nowMs());
      completeness.committed(entry, at.term);
    }
    if (!life.snapshots.has(at.to)) safety.applied(name, log, at.to);
  }

  /** What the disk does to whoever looks on tells nothing of the member; and damage may be refused, but not shown. */
  #whole(life: Life, member: StoreMember): void {
    const { weather, damage } = life.machine;
    const { failNext } = weather;
    weather.failNext = undefined;
    try {
      this.#compare(life, member);
    } catch (error) {
      if (damage === undefined || !(error instanceof BackendError)) throw error;
    }
    weather.failNext = failNext;
  }

  #compare(life: Life, member: StoreMember): void {
    const { state } = member;
    this.#parts.equal.whole(life.machine.name, {
      applied: state.appliedIndex,
      revision: state.reader.revision,
      kvs: () => state.reader.range(everything).kvs.map(kvOf),
      auth: () => authOf(state.auth),
      leases: () => [...state.lessor.list()].sort((a, b) => (a < b ? -1 : 1)),
    });
  }
}

/** Users and roles in the model's words. */
function authOf(auth: AuthState): AuthModel {
  const { isOn, revision } = auth;
  const users = auth.userNames.map((name) => {
    const { password, roles } = auth.user(name);
    return [name, { password: Buffer.from(password).toString("base64"), roles }];
  });
  const roles = auth.roleNames.map((name) => [
    name,
    sortedPermissions(auth.role(name).permissions.map(permissionOf)),
  ]);
  return { isOn, revision, users: Object.fromEntries(users), roles: Object.fromEntries(roles) };
}

const everything = {
  key: latin1Bytes("\0"),
  rangeEnd: latin1Bytes("\0"),
  limit: 0,
  revision: 0,
  sortOrder: "NONE",
  sortTarget: "KEY",
  serializable: true,
  keysOnly: false,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
} as const;
