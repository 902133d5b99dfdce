import type { Backend } from "../backend/backend.ts";
import type { CheckpointPages } from "../revisions/checkpoint.ts";
import type { CompactionRun } from "./compaction.ts";
import { indexPages } from "./index-pages.ts";
import type { KeyIndex } from "./key-index.ts";

export interface CheckpointLimits {
  /** Fewer revisions are not worth a checkpoint: to read them again takes some hundredths of a second. */
  readonly rowsMin: number;
  /** While it is being written to, the index is saved when the revisions since the last checkpoint are this share of what that
   *  one holds, keys and their history: so the work stays in proportion to the writes. */
  readonly busyShare: number;
  /** The same when there is little else to do. */
  readonly idleShare: number;
  /** It is idle after so many milliseconds with fewer than `rowsMin` revisions. */
  readonly idleMs: number;
  /** A page is full at this size: some thousand keys, and less than a millisecond of work. */
  readonly pageBytes: number;
}

/** What a revision adds to a checkpoint, more or less. */
const rowBytes = 16;

export const checkpointLimits: CheckpointLimits = {
  rowsMin: 10_000,
  busyShare: 2,
  idleShare: 1 / 16,
  idleMs: 3_000,
  pageBytes: 64 * 1024,
};

export interface CheckpointParts {
  readonly index: KeyIndex;
  readonly backend: Backend;
  readonly compaction: CompactionRun;
  readonly limits: CheckpointLimits;
  /** The newest revision that is whole. */
  readonly revision: () => number;
  /** A transaction is at work: the index shows some of it. */
  readonly isWriting: () => boolean;
  readonly leaseOf: (slot: number) => bigint;
  readonly pause: () => Promise<void>;
  /** Calls `fire` after so many milliseconds; answers how to call that off. */
  readonly after: (delayMs: number, fire: () => void) => () => void;
}

/** Saves the key index now and then, so that a member that starts reads little more than what came since. */
export class Checkpoints {
  readonly #parts: CheckpointParts;
  /** Revisions and dropped points that the last checkpoint does not tell of. */
  #behind: number;
  /** Of them, those that there were when the idle time began; undefined where none runs. */
  #behindBefore: number | undefined;
  #cancel: () => void = () => undefined;
  #isSaving = false;
  #isStopped = false;

  /** `behind` is how many revisions were read beside the last checkpoint. */
  constructor(parts: CheckpointParts, behind: number) {
    this.#parts = parts;
    this.#behind = 0;
    this.count(behind);
  }

  /** The last checkpoint may have ended, so that a restart would read all revisions. */
  mayHaveEnded(): void {
    if (this.#parts.backend.checkpoint === undefined)
      this.count(Math.max(0, this.#parts.index.size - this.#behind));
  }

  /** So many revisions came, or points went. */
  count(changes: number): void {
    this.#behind += changes;
    if (this.#behind < this.#parts.limits.rowsMin || this.#isSaving || this.#isStopped) return;
    if (this.#isDue(this.#parts.limits.busyShare)) void this.#save();
    else if (this.#behindBefore === undefined) this.#awaitIdle();
  }

  /** Saves the index a last time where that pays. To be called when nothing is written any more: a transaction that is at work
   *  then never ends. */
  async stop(): Promise<void> {
    const { compaction, isWriting, limits } = this.#parts;
    const pays = !this.#isStopped && compaction.isIdle && !isWriting() && this.#isDue(limits.idleShare);
    this.cancel();
    if (pays) await this.#save();
  }

  /** Begins to save nothing any more. */
  cancel(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #isDue(share: number): boolean {
    const { backend, limits } = this.#parts;
    const savedRows = (backend.checkpoint?.endBytes ?? 0) / rowBytes;
    return this.#behind >= limits.rowsMin && this.#behind >= savedRows * share;
  }

  #awaitIdle(): void {
    const { limits, after } = this.#parts;
    this.#behindBefore = this.#behind;
    this.#cancel = after(limits.idleMs, () => {
      const isIdle = this.#behind - (this.#behindBefore ?? 0) < limits.rowsMin;
      this.#behindBefore = undefined;
      if (isIdle && this.#isDue(limits.idleShare)) void this.#save();
      else this.#awaitIdle();
    });
  }

  async #save(): Promise<void> {
    const { compaction, backend, index, revision } = this.#parts;
    this.#isSaving = true;
    this.#cancel();
    this.#behindBefore = undefined;
    await compaction.between(async () => {
      const of = {
        revision: revision(),
        compactRevision: compaction.finished,
        keys: index.size,
      };
      this.#behind = 0;
      await backend.saveCheckpoint(of, this.#pages());
      return true;
    });
    this.#isSaving = false;
  }

  /** Between two pages writes go on; a page is written when none is at work. They break off where none can be awaited. */
  async *#pages(): CheckpointPages {
    const { index, leaseOf, isWriting, pause, limits } = this.#parts;
    const pages = indexPages(index, leaseOf, limits.pageBytes);
    for (;;) {
      while (isWriting()) {
        if (this.#isStopped) {
          yield undefined;
          return;
        }
        await pause();
      }
      const next = pages.next();
      if (next.done) return;
      yield next.value;
      await pause();
    }
  }
}
