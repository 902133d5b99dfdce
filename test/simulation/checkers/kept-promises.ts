import type { Entry, EntryId, HardState, Index, MemberId, SnapshotMeta } from "../../../store/raft/types.ts";
import type { LogBatch } from "../member-log.ts";

interface Promised {
  hardState: HardState;
  last: EntryId;
  /** Written, and not known to be on disk: of it there may be anything. */
  underway: LogBatch | undefined;
}

/** What a member's log holds when it is opened again. */
export interface Reopened {
  readonly hardState: HardState;
  readonly snapshot: Pick<SnapshotMeta, "index" | "term">;
  readonly entries: readonly Entry[];
}

/** Whatever a log said it keeps is there in the member's next life: its entries, its term and its vote. Knows only what was
 *  handed to the log and what it answered. */
export class KeptPromises {
  readonly #promised = new Map<MemberId, Promised>();

  writing(member: MemberId, batch: LogBatch): void {
    this.#of(member).underway = batch;
  }

  kept(member: MemberId, { snapshot, hardState, entries }: LogBatch): void {
    const promised = this.#of(member);
    promised.underway = undefined;
    if (hardState !== undefined) promised.hardState = hardState;
    const last = entries.at(-1) ?? snapshot;
    if (last !== undefined) promised.last = { index: last.index, term: last.term };
  }

  /** The first promise that was not kept, in words; undefined where all were. From here on the log is what was found. */
  reopened(member: MemberId, found: Reopened): string | undefined {
    const promised = this.#promised.get(member);
    const problem = promised && (voteProblem(promised, found) ?? entryProblem(promised, found));
    this.#promised.set(member, {
      hardState: found.hardState,
      last: found.entries.at(-1) ?? found.snapshot,
      underway: undefined,
    });
    return problem;
  }

  /** Up to where a member knows after any crash that entries are committed. */
  committedOf(member: MemberId): Index {
    return this.#promised.get(member)?.hardState.commit ?? 0;
  }

  #of(member: MemberId): Promised {
    let promised = this.#promised.get(member);
    if (promised === undefined) {
      const hardState = { term: 0, vote: 0n, commit: 0 };
      promised = { hardState, last: { index: 0, term: 0 }, underway: undefined };
      this.#promised.set(member, promised);
    }
    return promised;
  }
}

function voteProblem({ hardState: { term, vote } }: Promised, found: Reopened): string | undefined {
  const { term: foundTerm, vote: foundVote } = found.hardState;
  if (foundTerm < term) return `it is in term ${foundTerm} again, after term ${term}`;
  return foundTerm === term && vote !== 0n && foundVote !== vote
    ? `its vote in term ${term} is ${foundVote.toString(16)} instead of ${vote.toString(16)}`
    : undefined;
}

/** A batch under way may have overwritten the end of the log in part. */
function entryProblem({ last, underway }: Promised, { snapshot, entries }: Reopened): string | undefined {
  if (underway?.snapshot !== undefined) return undefined; // it may begin anew there
  const first = underway?.entries[0]?.index ?? Number.POSITIVE_INFINITY;
  const index = Math.min(last.index, first - 1);
  if (index <= snapshot.index) return undefined;
  const there = entries[index - snapshot.index - 1];
  if (there === undefined) return `its log ends before entry ${index}`;
  return index === last.index && there.term !== last.term
    ? `entry ${index} is of term ${there.term} instead of ${last.term}`
    : undefined;
}
