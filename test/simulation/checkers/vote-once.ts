import type { MemberId, Term } from "../../../store/raft/types.ts";
import type { Report } from "../report.ts";

/** A member grants its vote to one candidate of a term only, in all its lives (Raft, §5.2). */
export class VoteOnce {
  readonly #votes = new Map<string, MemberId>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  granted(member: MemberId, term: Term, candidate: MemberId): void {
    const name = `${member.toString(16)} in term ${term}`;
    const before = this.#votes.get(name);
    if (before === undefined) this.#votes.set(name, candidate);
    else if (before !== candidate)
      this.#report("vote once", `${name} votes for ${candidate.toString(16)} after ${before.toString(16)}`);
  }
}
