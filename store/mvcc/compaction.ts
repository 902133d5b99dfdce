import { failpoint } from "../../base/failpoints/failpoint.ts";
import type { Log } from "../../base/os/log.ts";
import { latin1 } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import { mainOf, revisionKey } from "../revisions/revision-key.ts";
import type { CompactionHashes } from "./compaction-hashes.ts";
import { hashBeforeCompaction, type KeyValueHash } from "./hash.ts";
import type { KeyIndex } from "./key-index.ts";
import type { CompactionMetrics } from "./metrics.ts";
import type { Drop } from "./older-points.ts";
import type { Pins } from "./pins.ts";
import type { RestoredMvcc } from "./restore.ts";

/** etcd's names in the meta bucket. */
export const compactionKeys = { scheduled: "scheduledCompactRev", finished: "finishedCompactRev" } as const;

const beforeScheduled = failpoint("compactBeforeCommitScheduledCompact");
const afterScheduled = failpoint("compactAfterCommitScheduledCompact");
const beforeDrop = failpoint("compactBeforeCommitBatch");
const afterDrop = failpoint("compactAfterCommitBatch");
const beforeFinished = failpoint("compactBeforeSetFinishedCompact");
const afterFinished = failpoint("compactAfterSetFinishedCompact");

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
  readonly #hashes: CompactionHashes;
  readonly #onDropped: (points: number) => void;
  readonly #log: Log;
  #tail: Promise<void> = Promise.resolve();
  /** Runs that are at work or wait. */
  #runs = 0;
  #finished: number;
  readonly #stopping = new AbortController();

  constructor(
    state: Pick<RestoredMvcc, "index" | "backend" | "finishedCompaction">,
    parts: {
      readonly pause: () => Promise<void>;
      readonly pins: Pins;
      readonly hashes: CompactionHashes;
      readonly metrics?: CompactionMetrics | undefined;
      /** After a compaction, with how many points it dropped. */
      readonly onDropped: (points: number) => void;
      readonly log: Log;
    },
  ) {
    this.#index = state.index;
    this.#finished = state.finishedCompaction;
    this.#backend = state.backend;
    this.#pause = parts.pause;
    this.#pins = parts.pins;
    this.#metrics = parts.metrics;
    this.#hashes = parts.hashes;
    this.#onDropped = parts.onDropped;
    this.#log = parts.log;
  }

  /** The revision of the last compaction all of whose work is done; -1 where there was none. */
  get finished(): number {
    return this.#finished;
  }

  /** No compaction runs, and none was broken off. */
  get isIdle(): boolean {
    return this.#runs === 0;
  }

  /** Notes the compaction as scheduled (within the caller's group of writes); resolves when all it drops is removed.
   *  @param previous The revision of the compaction before; -1 where there was none. */
  schedule(revision: number, previous: number): Promise<void> {
    if (beforeScheduled.armed) beforeScheduled.block();
    this.#backend.put("meta", compactionKeys.scheduled, revisionBytes(revision));
    if (afterScheduled.armed) afterScheduled.block();
    return this.between(() => this.#run(revision, previous));
  }

  /** Goes on with a compaction that is noted as scheduled. Some of it may have gone, so that it has no hash. */
  resume(revision: number): Promise<void> {
    return this.between(() => this.#run(revision, undefined));
  }

  /** Runs what must not run while a compaction does. `act` answers false where it was broken off. */
  between(act: () => Promise<boolean>): Promise<void> {
    this.#runs++;
    this.#tail = this.#tail.then(async () => {
      if (!this.#stopping.signal.aborted && (await act())) this.#runs--;
    });
    return this.#tail;
  }

  /** Ends after the slice at hand. What is left is scheduled, and goes on after a restart. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#tail;
  }

  async #run(revision: number, previous: number | undefined): Promise<boolean> {
    await this.#pause();
    if (this.#stopping.signal.aborted) return false;
    const hash = previous === undefined ? undefined : await this.#hash(revision, previous);
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
      if (this.#stopping.signal.aborted) return false;
      const sliceBeganMs = metrics?.nowMs() ?? 0;
      isLeft = compaction.next(sliceSteps, drop);
      metrics?.indexHeldSince(sliceBeganMs);
      await this.#pause();
    }
    if (beforeDrop.armed) await beforeDrop.pass();
    const dropBeganMs = metrics?.nowMs() ?? 0;
    const dropped = this.#backend.drop({ mains, subs });
    metrics?.dropHeldSince(dropBeganMs);
    if (!(await dropped) || this.#stopping.signal.aborted) return false;
    if (afterDrop.armed) await afterDrop.pass();
    if (beforeFinished.armed) await beforeFinished.pass();
    this.#backend.put("meta", compactionKeys.finished, revisionBytes(revision));
    this.#finished = revision;
    this.#backend.commit();
    if (afterFinished.armed) await afterFinished.pass();
    this.#keep(revision, hash, mains.length);
    this.#backend.reclaim();
    metrics?.finished(beganMs, mains.length);
    this.#onDropped(mains.length);
    return true;
  }

  #keep(revision: number, hash: KeyValueHash | undefined, rows: number): void {
    this.#log.info("finished scheduled compaction", {
      "compact-revision": revision,
      "number-of-keys-compacted": rows,
      ...(hash && { hash: hash.hash }),
    });
    if (hash === undefined) {
      this.#log.info("previous compaction was interrupted, skip storing compaction hash value");
      return;
    }
    this.#hashes.add(hash);
    const { hash: value, hashRevision, compactRevision } = hash;
    this.#log.info("storing new hash", {
      hash: value,
      revision: hashRevision,
      "compact-revision": compactRevision,
    });
  }

  /** Undefined where a row cannot be read, which whoever wants that row is told. */
  async #hash(hashRevision: number, compactRevision: number): Promise<KeyValueHash | undefined> {
    const state = { index: this.#index, backend: this.#backend, pause: this.#pause };
    try {
      return await hashBeforeCompaction(state, { compactRevision, hashRevision }, this.#stopping.signal);
    } catch {
      return undefined;
    }
  }
}

function revisionBytes(main: number): Uint8Array {
  return Buffer.from(revisionKey(main, 0), "latin1");
}

/** -1, as in etcd, where none was stored: a compaction at 0 is one. */
export function storedRevision(backend: Pick<Backend, "get">, name: string): number {
  const bytes = backend.get("meta", name);
  return bytes === undefined ? -1 : mainOf(latin1(bytes));
}
