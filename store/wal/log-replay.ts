import type { Entry, HardState, Index, SnapshotMeta } from "../raft/types.ts";

/** Rebuilds the log from its records, in the order in which they were written. */
export class LogReplay {
  #entries: Entry[] = [];
  #marks: SnapshotMeta[] = [];
  /** The newest mark, while it is not committed. */
  #ahead: SnapshotMeta | undefined;
  #hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  #lastIndex: Index = 0;

  /** The index of the entry that was written last, or of a later mark. */
  get lastIndex(): Index {
    return this.#lastIndex;
  }

  /** An entry replaces all from its index on. Answers what is wrong with it, if anything. */
  entry(entry: Entry): string | undefined {
    const first = this.#entries[0]?.index;
    if (first === undefined) {
      this.#entries = [entry];
    } else if (entry.index < first) {
      this.#entries = [entry];
    } else if (entry.index <= first + this.#entries.length) {
      this.#entries.length = entry.index - first;
      this.#entries.push(entry);
    } else if (this.#marks.some((mark) => mark.index >= entry.index - 1)) {
      this.#entries = [entry]; // a snapshot of another member bridged the gap
    } else {
      return `entry ${entry.index} follows entry ${first + this.#entries.length - 1}: those between are missing`;
    }
    this.#lastIndex = entry.index;
    return undefined;
  }

  /** Answers what is wrong with it, if anything. */
  hardState(state: HardState): string | undefined {
    const { term, commit } = this.#hardState;
    if (state.term === 0 || state.term < term) return `the term falls from ${term} to ${state.term}`;
    if (state.commit < commit) return `the commit index falls from ${commit} to ${state.commit}`;
    this.#hardState = state;
    if (this.#ahead !== undefined && this.#ahead.index <= state.commit) this.#startOver(this.#ahead);
    return undefined;
  }

  mark(mark: SnapshotMeta): void {
    this.#marks.push(mark);
    if (mark.index <= this.#hardState.commit) this.#startOver(mark);
    else this.#ahead = mark;
  }

  /** A committed mark that the log does not lead up to came with another member's snapshot and replaced the log. */
  #startOver(mark: SnapshotMeta): void {
    this.#ahead = undefined;
    const first = this.#entries[0]?.index ?? 0;
    const known = this.#entries[mark.index - first];
    const replaces = mark.index > 0 && known?.term !== mark.term;
    const isBeforeAll = mark.index < first;
    if (replaces && !isBeforeAll) {
      this.#entries = [];
      this.#lastIndex = mark.index;
    }
  }

  /** The log after the newest mark that is committed, or what is wrong with it. */
  result(): { hardState: HardState; snapshot: SnapshotMeta; entries: readonly Entry[] } | string {
    const hardState = this.#hardState;
    const snapshot = this.#marks
      .filter((mark) => mark.index <= hardState.commit)
      .reduce<SnapshotMeta | undefined>(
        (best, mark) => (best === undefined || mark.index >= best.index ? mark : best),
        undefined,
      );
    if (snapshot === undefined) return "no committed snapshot mark is left in the log";
    const entries = this.#entries.filter((entry) => entry.index > snapshot.index);
    const first = entries[0]?.index;
    if (first !== undefined && first !== snapshot.index + 1) {
      return `entries ${snapshot.index + 1} to ${first - 1} are missing after the snapshot mark`;
    }
    const last = snapshot.index + entries.length;
    if (hardState.commit > last) {
      return `the log ends at entry ${last}, but entry ${hardState.commit} was committed`;
    }
    return { hardState, snapshot, entries };
  }
}
