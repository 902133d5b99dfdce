import type { Report } from "../report.ts";

/** At most one leader can be elected in a term (Raft, figure 3). */
export class ElectionSafety {
  readonly #leaders = new Map<number, string>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  leads(member: string, term: number): void {
    const other = this.#leaders.get(term);
    if (other === undefined) this.#leaders.set(term, member);
    else if (other !== member)
      this.#report("election safety", `both ${other} and ${member} lead in term ${term}`);
  }
}
