import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { StateReader } from "../apply/types.ts";
import type { Consensus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import { type AutoCompaction, type CompactionPlan, compactionPlan } from "./compaction-plan.ts";
import type { Proposer } from "./proposer.ts";

export interface AutoCompactorParts {
  readonly proposer: Pick<Proposer, "propose">;
  readonly consensus: Pick<Consensus, "status">;
  readonly state: Pick<StateReader, "revision">;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  readonly log: Log;
}

/** Follows a plan on every member, so that a new leader knows how old revisions are, and compacts where this one leads. */
export class AutoCompactor {
  readonly #options: AutoCompaction;
  readonly #plan: CompactionPlan;
  readonly #parts: AutoCompactorParts;
  #stopped = false;
  #stopTimer: (() => void) | undefined;

  constructor(options: AutoCompaction, parts: AutoCompactorParts) {
    this.#options = options;
    this.#parts = parts;
    this.#plan = compactionPlan(options, parts.clock.monotonicMs());
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer?.();
  }

  #wait(): void {
    this.#plan.record(this.#parts.state.revision);
    this.#stopTimer = this.#parts.clock.after(this.#plan.everyMs, () => void this.#look());
  }

  /** Never rejects: what failed is tried again the next time. */
  async #look(): Promise<void> {
    const { consensus, clock, state } = this.#parts;
    const leads = consensus.status.role === "leader";
    const revision = leads ? this.#plan.due(clock.monotonicMs(), state.revision) : undefined;
    if (revision !== undefined) await this.#compact(revision);
    if (!this.#stopped) this.#wait();
  }

  async #compact(revision: number): Promise<void> {
    const { proposer, clock, log } = this.#parts;
    const { mode } = this.#options;
    log.info(`starting auto ${mode} compaction`, { revision });
    const startMs = clock.monotonicMs();
    try {
      await proposer.propose("compaction", { revision });
    } catch (error) {
      // Somebody else did it already.
      if (!(error instanceof StoreError) || error.code !== "COMPACTED") {
        if (!this.#stopped) log.warn(`failed auto ${mode} compaction`, { revision, error });
        return;
      }
    }
    const nowMs = clock.monotonicMs();
    this.#plan.done(revision, nowMs);
    log.info(`completed auto ${mode} compaction`, { revision, tookMs: nowMs - startMs });
  }
}
