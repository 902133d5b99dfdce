import { assert, must } from "../../base/assert.ts";
import { entryOverheadBytes } from "./entry-size.ts";
import { PastEntries } from "./past-entries.ts";
import type { Entry, EntryId, Index, Term } from "./types.ts";

/** The log in memory: everything after `base`, whose own entry only its id is known of.
 *  Invariant: base.index ≤ applied ≤ committed ≤ last index; durable ≤ handedOut ≤ last index; applied ≤ durable, unless a
 *  snapshot brought the state further;
 *  entries[i].index === past.end + i; terms never fall. Entries at or below `committed` never change. */
export class RaftLog {
  #base: EntryId;
  /** Those that are applied. */
  #past: PastEntries;
  /** Those after them. */
  #entries: Entry[];
  #bytes = 0;
  committed: Index;
  applied: Index;
  /** Up to here the entries are on this member's disk. */
  #durable: Index;
  /** Up to here the entries were given to whoever persists them. */
  #handedOut: Index;
  /** What `tail` answered last. */
  #tail: { readonly from: Index; readonly lastIndex: Index; readonly entries: readonly Entry[] } | undefined;

  constructor(base: EntryId, entries: readonly Entry[], at: { committed: Index; applied: Index }) {
    this.#base = base;
    this.#past = new PastEntries(base.index + 1);
    this.#entries = [...entries];
    for (const entry of entries) this.#bytes += entry.data.length;
    this.#durable = this.lastIndex;
    this.#handedOut = this.lastIndex;
    this.committed = at.committed;
    this.applied = at.applied;
    entries.forEach((entry, i) => {
      assert(entry.index === base.index + 1 + i, `log has a gap before entry ${entry.index}`);
    });
    assert(base.index <= at.applied, `applied index ${at.applied} lies before the log's start ${base.index}`);
    assert(
      at.applied <= at.committed,
      `applied index ${at.applied} exceeds the commit index ${at.committed}`,
    );
    assert(
      at.committed <= this.lastIndex,
      `commit index ${at.committed} lies beyond the log's end ${this.lastIndex}`,
    );
    this.#moveToPast();
  }

  /** Index of the first entry that is still here. */
  get firstIndex(): Index {
    return this.#base.index + 1;
  }

  get lastIndex(): Index {
    return this.#past.end - 1 + this.#entries.length;
  }

  get lastTerm(): Term {
    return must(this.term(this.lastIndex), "the last entry's term is known");
  }

  get durable(): Index {
    return this.#durable;
  }

  /** Payload of all entries in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The term of the entry at `index`; undefined when it was compacted away or does not exist yet. */
  term(index: Index): Term | undefined {
    if (index === this.#base.index) return this.#base.term;
    const past = this.#past;
    if (index >= past.end) return this.#entries[index - past.end]?.term;
    return index >= past.first ? past.term(index) : undefined;
  }

  entry(index: Index): Entry {
    const past = this.#past;
    if (index < past.first || index > this.lastIndex) assert(false, `no entry ${index} in the log`);
    return index < past.end ? past.entry(index) : (this.#entries[index - past.end] as Entry);
  }

  matches(id: EntryId): boolean {
    return this.term(id.index) === id.term;
  }

  /** Whether a log that ends with `last` holds at least what this one does (Raft §5.4.1). */
  isUpToDate(last: EntryId): boolean {
    return last.term > this.lastTerm || (last.term === this.lastTerm && last.index >= this.lastIndex);
  }

  /** Entries of [from, to), as many as fit `bytesMax` but at least one. */
  slice(from: Index, to: Index, bytesMax: number): readonly Entry[] {
    if (from < this.firstIndex || to > this.lastIndex + 1)
      assert(false, `slice [${from}, ${to}) outside the log`);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let at = from; at < to; at++) {
      bytes += this.#dataBytes(at) + entryOverheadBytes;
      if (bytes > bytesMax && at > from) break;
      entries.push(this.entry(at));
    }
    return entries;
  }

  #dataBytes(index: Index): number {
    const past = this.#past;
    return index < past.end ? past.dataBytes(index) : (this.#entries[index - past.end] as Entry).data.length;
  }

  /** The entries from `from` on, as many as fit; the very same array for all followers that lack the same. */
  tail(from: Index, bytesMax: number): readonly Entry[] {
    const { lastIndex } = this;
    const tail = this.#tail;
    if (tail !== undefined && tail.from === from && tail.lastIndex === lastIndex) return tail.entries;
    const entries = this.slice(from, lastIndex + 1, bytesMax);
    this.#tail = { from, lastIndex, entries };
    return entries;
  }

  /** Puts entries after the last one. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) this.push(entry);
  }

  push(entry: Entry): void {
    if (entry.index !== this.lastIndex + 1) assert(false, `append of ${entry.index} after ${this.lastIndex}`);
    this.#entries.push(entry);
    this.#bytes += entry.data.length;
  }

  /** Takes a leader's entries that follow `prev`, replacing what conflicts. Undefined when `prev` does not match;
   *  otherwise the last index that is now known to agree with the leader. */
  appendAfter(prev: EntryId, entries: readonly Entry[]): Index | undefined {
    if (!this.matches(prev)) return undefined;
    const firstNew = entries.findIndex((entry) => !this.matches(entry));
    if (firstNew >= 0) {
      const from = must(entries[firstNew], "found above").index;
      assert(from > this.committed, `entry ${from} conflicts with a committed one`);
      this.#truncateFrom(from);
      this.append(entries.slice(firstNew));
    }
    return prev.index + entries.length;
  }

  #truncateFrom(from: Index): void {
    if (from > this.lastIndex) return;
    for (const gone of this.#entries.splice(from - this.#past.end)) this.#bytes -= gone.data.length;
    this.#tail = undefined;
    // What is on disk past here is about to be overwritten, so it no longer counts as durable.
    this.#durable = Math.min(this.#durable, from - 1);
    this.#handedOut = Math.min(this.#handedOut, from - 1);
  }

  commitTo(index: Index): boolean {
    if (index <= this.committed) return false;
    assert(
      index <= this.lastIndex,
      `commit index ${index} lies beyond the log's end ${this.lastIndex}: was the log truncated, corrupted or lost?`,
    );
    this.committed = index;
    return true;
  }

  appliedTo(index: Index): void {
    assert(
      index >= this.applied && index <= this.committed,
      `applied index ${index} outside [${this.applied}, ${this.committed}]`,
    );
    this.applied = index;
    this.#moveToPast();
  }

  #moveToPast(): void {
    const count = this.applied + 1 - this.#past.end;
    for (let at = 0; at < count; at++) this.#past.push(this.#entries[at] as Entry);
    if (count > 0) this.#entries.splice(0, count);
  }

  hasUnpersisted(): boolean {
    return this.#handedOut < this.lastIndex;
  }

  /** Entries that must still go to disk; from now on they count as handed out. */
  takeUnpersisted(): readonly Entry[] {
    const from = this.#handedOut + 1;
    // A snapshot may have brought the state past what was persisted.
    const entries =
      from < this.#past.end
        ? this.slice(from, this.lastIndex + 1, Number.POSITIVE_INFINITY)
        : this.#entries.slice(from - this.#past.end);
    this.#handedOut = this.lastIndex;
    return entries;
  }

  /** The disk holds everything up to `id`, unless that entry was replaced meanwhile. True when `durable` moved. */
  persisted(id: EntryId): boolean {
    if (!this.matches(id)) return false;
    const upTo = Math.min(id.index, this.#handedOut);
    if (upTo <= this.#durable) return false;
    this.#durable = upTo;
    return true;
  }

  /** Committed entries may be applied once they are durable here: otherwise a crash could leave a state machine that is
   *  ahead of its own log. */
  get applicable(): Index {
    return Math.min(this.committed, this.#durable);
  }

  /** The largest index ≤ `index` whose term is ≤ `term`, and its term (0 when it is unknown): where two logs may agree. */
  lastWithin(index: Index, term: Term): EntryId {
    let at = Math.min(index, this.lastIndex);
    for (; at >= this.#base.index; at--) {
      const here = must(this.term(at), "within the log");
      if (here <= term) return { index: at, term: here };
    }
    return { index: at, term: 0 };
  }

  /** Forgets entries up to `index`, which must be applied. */
  compactTo(index: Index): void {
    if (index <= this.#base.index) return;
    assert(index <= this.applied, `compaction to ${index} beyond the applied index ${this.applied}`);
    const term = must(this.term(index), `no entry ${index} to compact to`);
    this.#bytes -= this.#past.forgetBefore(index + 1);
    this.#base = { index, term };
    this.#tail = undefined;
  }

  /** Starts over after a snapshot whose last entry is `base`. Nothing is durable past it. */
  reset(base: EntryId): void {
    assert(base.index > this.committed, `snapshot at ${base.index} is behind the commit index`);
    this.#base = base;
    this.#past = new PastEntries(base.index + 1);
    this.#entries = [];
    this.#tail = undefined;
    this.#bytes = 0;
    this.committed = base.index;
    this.applied = base.index;
    this.#durable = base.index;
    this.#handedOut = base.index;
  }
}
