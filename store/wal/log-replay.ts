import type { Entry, HardState, Index, SnapshotMeta } from "../raft/types.ts";

/** Rebuilds the log from its records, in the order in which they were written. */
export class LogReplay {
  /** Without those before the newest mark that is committed: they may be many. */
  #entries: Entry[] = [];
  /** The index of the first of them, or of the one that must come first; undefined where any may. */
  #first: Index | undefined;
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
    const { index } = entry;
    const first = this.#first;
    const end = (first ?? 0) + this.#entries.length;
    if (first !== undefined && index >= first && index <= end) {
      if (index < end) this.#entries.length = index - first;
      this.#entries.push(entry);
    } else if (first === undefined || index < first || this.#marks.some((mark) => mark.index >= index - 1)) {
      // The log begins, or what a snapshot of another member has bridged a gap to.
      this.#entries = [entry];
      this.#first = index;
    } else {
      return `entry ${index} follows entry ${end - 1}: those between are missing`;
    }
    this.#lastIndex = index;
    return undefined;
  }

  /** Answers what is wrong with it, if anything. */
  hardState(state: HardState): string | undefined {
    const { term, commit } = this.#hardState;
    if (state.term === 0 || state.term < term) return `the term falls from ${term} to ${state.term}`;
    if (state.commit < commit) return `the commit index falls from ${commit} to ${state.commit}`;
    this.#hardState = state;
    if (this.#ahead !== undefined && this.#ahead.index <= state.commit) this.#settle(this.#ahead);
    return undefined;
  }

  mark(mark: SnapshotMeta): void {
    this.#marks.push(mark);
    if (mark.index <= this.#hardState.commit) this.#settle(mark);
    else this.#ahead = mark;
  }

  /** Lets go of entries up to a committed mark. One that the log does not lead up to came with another member's snapshot and
   *  replaced the log. */
  #settle(mark: SnapshotMeta): void {
    this.#ahead = undefined;
    const first = this.#first ?? 0;
    if (mark.index < first || mark.index === 0) return;
    if (this.#entries[mark.index - first]?.term === mark.term) {
      this.#entries = this.#entries.slice(mark.index + 1 - first);
      this.#first = mark.index + 1;
      return;
    }
    this.#entries = [];
    this.#first = undefined;
    this.#lastIndex = mark.index;
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
