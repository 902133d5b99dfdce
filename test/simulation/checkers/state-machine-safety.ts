import type { CommittedLog } from "../committed-log.ts";
import type { MemberLog } from "../member-log.ts";
import type { Report } from "../report.ts";

/** No two members apply different entries at one index (Raft, figure 3). */
export class StateMachineSafety {
  readonly #report: Report;
  readonly #committed: CommittedLog;

  constructor(committed: CommittedLog, report: Report) {
    this.#committed = committed;
    this.#report = report;
  }

  /** The member applied up to `applied`; answers whether that agrees with what the others applied. */
  applied(member: string, log: Pick<MemberLog, "at">, applied: number): boolean {
    const mine = log.at(applied);
    const known = this.#committed.at(applied)?.entry;
    if (mine === undefined || known === undefined || mine.chain === known.chain) return true;
    this.#report(
      "state machine safety",
      `${member} applied an entry ${applied} of term ${mine.term}, others one of term ${known.term}, or another past`,
    );
    return false;
  }
}
