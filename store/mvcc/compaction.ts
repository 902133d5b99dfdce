import type { Backend } from "../backend/backend.ts";
import { revisionKey } from "../revisions/revision-key.ts";
import type { KeyIndex } from "./key-index.ts";
import type { CompactionMetrics } from "./metrics.ts";
import type { Drop } from "./older-points.ts";
import type { Pins } from "./pins.ts";

/** etcd's names in the meta bucket. */
export const compactionKeys = { scheduled: "scheduledCompactRev", finished: "finishedCompactRev" } as const;

/** Keys looked at, or pieces of a key's history forgotten, in one synchronous slice. */
const sliceSteps = 1_000;

/** Removes what compactions drop, one compaction after the other, in slices, once no running read needs it any more.
 *  Invariant: "scheduled" is committed before the first row of a compaction goes, "finished" after the last. */
export class CompactionRun {
  readonly #index: KeyIndex;
  readonly #backend: Backend;
  readonly #pause: () => Promise<void>;
  readonly #pins: Pins;
  readonly #metrics: CompactionMetrics | undefined;
  #tail: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    state: { readonly index: KeyIndex; readonly backend: Backend },
    parts: {
      readonly pause: () => Promise<void>;
      readonly pins: Pins;
      readonly metrics?: CompactionMetrics | undefined;
    },
  ) {
    this.#index = state.index;
    this.#backend = state.backend;
    this.#pause = parts.pause;
    this.#pins = parts.pins;
    this.#metrics = parts.metrics;
  }

  /** Notes the compaction as scheduled (within the caller's group of writes); resolves when all it drops is removed. */
  schedule(revision: number): Promise<void> {
    this.#backend.put("meta", compactionKeys.scheduled, revisionBytes(revision));
    return this.resume(revision);
  }

  /** Goes on with a compaction that is noted as scheduled. */
  resume(revision: number): Promise<void> {
    this.#tail = this.#tail.then(() => this.#run(revision));
    return this.#tail;
  }

  /** Ends after the slice at hand. What is left is scheduled, and goes on after a restart. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#tail;
  }

  async #run(revision: number): Promise<void> {
    await this.#pause();
    await this.#pins.noneBefore(revision); // and no new one comes: such reads are refused by now
    const metrics = this.#metrics;
    const beganMs = metrics?.nowMs() ?? 0;
    const compaction = this.#index.compaction(revision);
    const mains: number[] = [];
    const subs: number[] = [];
    const drop: Drop = (main, sub) => {
      mains.push(main);
      subs.push(sub);
    };
    for (let isLeft = true; isLeft; ) {
      if (this.#stopped) return;
      const sliceBeganMs = metrics?.nowMs() ?? 0;
      isLeft = compaction.next(sliceSteps, drop);
      metrics?.indexHeldSince(sliceBeganMs);
      await this.#pause();
    }
    const dropBeganMs = metrics?.nowMs() ?? 0;
    const dropped = this.#backend.drop({ mains, subs });
    metrics?.dropHeldSince(dropBeganMs);
    if (!(await dropped) || this.#stopped) return;
    this.#backend.put("meta", compactionKeys.finished, revisionBytes(revision));
    this.#backend.commit();
    this.#backend.reclaim();
    metrics?.finished(beganMs, mains.length);
  }
}

function revisionBytes(main: number): Uint8Array {
  return Buffer.from(revisionKey(main, 0), "latin1");
}
