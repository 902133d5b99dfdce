import type { Report } from "../report.ts";

/** Within one life a member's commit index, applied index and revision never go back, and nothing is applied that is not
 *  committed. */
export class CommitOrder {
  readonly #report: Report;
  readonly #seen = new WeakMap<object, { committed: number; applied: number; revision: number }>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** `life` stands for one run of the member's process. */
  looked(
    life: object,
    member: string,
    now: { readonly committed: number; readonly applied: number; readonly revision: number },
  ): void {
    const before = this.#seen.get(life);
    if (before === undefined) {
      this.#seen.set(life, { ...now });
      return;
    }
    const { committed, applied, revision } = before;
    if (now.committed === committed && now.applied === applied && now.revision === revision) return;
    for (const name of ["committed", "applied", "revision"] as const)
      if (now[name] < before[name])
        this.#report("no way back", `${name} of ${member} went from ${before[name]} to ${now[name]}`);
    Object.assign(before, now);
  }
}
