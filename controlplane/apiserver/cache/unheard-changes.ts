import type { Change } from "../registry/storage.ts";

/** What may be kept for kinds that nobody has asked for yet. */
export const unheardLimits = { changesMax: 10_000, bytesMax: 16 * 1024 * 1024 };

export interface UnheardBatch {
  readonly changes: readonly Change[];
  readonly revision: number;
}

/** Recent changes of kinds that have no cache yet. Without them a server that has just started would send everybody back to the
 *  start who comes from another one: a kind is loaded as of where this begins, and goes on from there.
 *  Invariant: every change after `baseOf(prefix)` of a kind without a cache is here. */
export class UnheardChanges {
  readonly #limits: typeof unheardLimits;
  /** Those before `#head` have left. */
  #batches: ((UnheardBatch & { readonly bytes: number }) | undefined)[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;
  #baseRevision = 0;
  /** Kinds that had a cache meanwhile, which took their changes. */
  readonly #heardUntil = new Map<string, number>();

  constructor(limits = unheardLimits) {
    this.#limits = limits;
  }

  /** From where on the changes of keys that begin with `prefix` are known. */
  baseOf(prefix: string): number {
    return Math.max(this.#baseRevision, this.#heardUntil.get(prefix) ?? 0);
  }

  /** A cache took the kind's changes up to `revision` and takes no more. */
  heardUntil(prefix: string, revision: number): void {
    this.#heardUntil.set(prefix, revision);
  }

  /** Nothing before `revision` was heard. */
  startOver(revision: number): void {
    this.#batches = [];
    this.#head = 0;
    this.#count = 0;
    this.#bytes = 0;
    this.#rebase(revision);
  }

  push(changes: readonly Change[], revision: number): void {
    if (changes.length === 0) return;
    const bytes = changes.reduce((sum, change) => sum + sizeOf(change), 0);
    this.#batches.push({ changes, revision, bytes });
    this.#count += changes.length;
    this.#bytes += bytes;
    while (this.#count > this.#limits.changesMax || this.#bytes > this.#limits.bytesMax)
      if (!this.#dropOldest()) break;
  }

  #dropOldest(): boolean {
    const oldest = this.#batches[this.#head];
    if (oldest === undefined) return false;
    this.#batches[this.#head++] = undefined;
    this.#count -= oldest.changes.length;
    this.#bytes -= oldest.bytes;
    this.#rebase(oldest.revision);
    // Moved when half of them have left, so that each costs the same however many there are.
    if (this.#head * 2 < this.#batches.length) return true;
    this.#batches = this.#batches.slice(this.#head);
    this.#head = 0;
    return true;
  }

  #rebase(revision: number): void {
    this.#baseRevision = revision;
    for (const [prefix, until] of this.#heardUntil) if (until <= revision) this.#heardUntil.delete(prefix);
  }

  /** Those of keys that begin with `prefix`, in order. */
  of(prefix: string): UnheardBatch[] {
    const base = this.baseOf(prefix);
    return this.#batches.flatMap((batch) => {
      if (batch === undefined || batch.revision <= base) return [];
      const { changes, revision } = batch;
      const own = changes.filter(({ key }) => key.startsWith(prefix));
      return own.length === 0 ? [] : [{ changes: own, revision }];
    });
  }
}

const sizeOf = (change: Change): number =>
  change.key.length * 2 + (change.type === "put" ? change.value.length : 0);
