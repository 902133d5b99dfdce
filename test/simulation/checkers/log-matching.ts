import type { EntryId } from "../../../store/raft/types.ts";
import type { LoggedEntry } from "../member-log.ts";
import type { Report } from "../report.ts";

/** If two logs hold an entry of the same index and term, they are the same up to there (Raft, figure 3). */
export class LogMatching {
  readonly #chains = new Map<string, number>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  written(member: string, { index, term, chain }: LoggedEntry): void {
    const name = `${index}/${term}`;
    const known = this.#chains.get(name);
    if (known === undefined) this.#chains.set(name, chain);
    else if (known !== chain)
      this.#report(
        "log matching",
        `${member} has an entry ${index} of term ${term} with another past or content than others`,
      );
  }

  chainAt({ index, term }: EntryId): number | undefined {
    return index === 0 ? 0 : this.#chains.get(`${index}/${term}`);
  }
}
