import { type Deferred, deferred } from "../../base/deferred.ts";

/** Revisions that reads in several slices look at. A compaction refuses new reads at once, but drops nothing that a running
 *  one still needs. */
export class Pins {
  readonly #pinned = new Set<{ readonly revision: number }>();
  readonly #waiters = new Set<{ readonly revision: number; readonly free: Deferred<void> }>();

  get size(): number {
    return this.#pinned.size;
  }

  /** Answers how to let go. */
  add(revision: number): () => void {
    const pin = { revision };
    this.#pinned.add(pin);
    return () => {
      this.#pinned.delete(pin);
      for (const waiter of this.#waiters) {
        if (this.#isPinnedBefore(waiter.revision)) continue;
        this.#waiters.delete(waiter);
        waiter.free.resolve();
      }
    };
  }

  /** Resolves when nobody looks at a revision before this one. */
  async noneBefore(revision: number): Promise<void> {
    if (!this.#isPinnedBefore(revision)) return;
    const free = deferred<void>();
    this.#waiters.add({ revision, free });
    await free.promise;
  }

  #isPinnedBefore(revision: number): boolean {
    for (const pin of this.#pinned) if (pin.revision < revision) return true;
    return false;
  }
}
