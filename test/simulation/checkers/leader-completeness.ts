import type { EntryId } from "../../../store/raft/types.ts";
import type { LoggedEntry } from "../member-log.ts";
import type { Report } from "../report.ts";

interface CommittedMark {
  readonly index: number;
  /** The term in which it was seen committed. */
  readonly term: number;
  readonly chain: number;
}

/** What was committed in a term is in the logs of the leaders of all later terms (Raft, figure 3). A leader's log shows where
 *  the first entry of its term follows on what came before. */
export class LeaderCompleteness {
  /** In rising order of both index and term. */
  readonly #marks: CommittedMark[] = [];
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** `term` is the one in which the member that applied it was. */
  committed(entry: LoggedEntry, term: number): void {
    const last = this.#marks.at(-1);
    const mark = { index: entry.index, chain: entry.chain, term: Math.max(term, last?.term ?? 0) };
    if (last?.term === mark.term) this.#marks[this.#marks.length - 1] = mark;
    else this.#marks.push(mark);
  }

  /** A log got its first entry of a term. `chainAt` is the log's hash at an index; undefined where it no longer knows. */
  termBegins(
    member: string,
    entry: LoggedEntry,
    before: EntryId,
    chainAt: (index: number) => number | undefined,
  ): void {
    const mark = this.#marks.findLast(({ term }) => term < entry.term);
    if (mark === undefined) return;
    if (before.index < mark.index) {
      this.#report(
        "leader completeness",
        `term ${entry.term} begins at ${entry.index} in the log of ${member}, without entry ${mark.index} that was committed in term ${mark.term}`,
      );
      return;
    }
    const chain = chainAt(mark.index);
    if (chain !== undefined && chain !== mark.chain)
      this.#report(
        "leader completeness",
        `the leader of term ${entry.term} has another entry ${mark.index} than the one committed in term ${mark.term}, says the log of ${member}`,
      );
  }
}
