import { goDurationText } from "../../base/go-duration-text.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { AlarmMember } from "../../proto/etcd-maintenance.ts";
import type { Consensus } from "../driver/seams.ts";
import type { Proposer } from "../propose/proposer.ts";
import type { MemberId } from "../raft/types.ts";
import { CompactionCheck, type CompactionCheckParts } from "./compaction-check.ts";
import { type PeriodicCheckParts, periodicCheck } from "./periodic-check.ts";

/** Times between two checks; 0: there are none. */
export interface CorruptionChecks {
  /** --corrupt-check-time */
  readonly everyMs: number;
  /** --compact-hash-check-time, with the gate CompactHashCheck. */
  readonly compactionsEveryMs: number;
}

export interface CorruptionMonitorParts extends Omit<PeriodicCheckParts & CompactionCheckParts, "accuse"> {
  readonly consensus: Pick<Consensus, "status">;
  readonly proposer: Pick<Proposer, "propose">;
  readonly alarms: () => readonly AlarmMember[];
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
}

/** Where this member leads, compares the members' data from time to time, and raises the alarm CORRUPT for whose is wrong. */
export class CorruptionMonitor {
  readonly #parts: CorruptionMonitorParts;
  readonly #stopTimers = new Map<string, () => void>();
  #stopped = false;

  constructor({ everyMs, compactionsEveryMs }: CorruptionChecks, parts: CorruptionMonitorParts) {
    this.#parts = parts;
    const { log, memberId } = parts;
    const accuse = (members: readonly MemberId[]) => this.#accuse(members);
    if (everyMs > 0) {
      log.info("enabled corruption checking", {
        "local-member-id": memberId,
        interval: goDurationText(everyMs),
      });
      this.#wait("history", everyMs, () => periodicCheck({ ...parts, accuse }));
    }
    if (compactionsEveryMs > 0) {
      const check = new CompactionCheck({ ...parts, accuse });
      this.#wait("compactions", compactionsEveryMs, () => check.run());
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const stopTimer of this.#stopTimers.values()) stopTimer();
  }

  #wait(what: string, everyMs: number, check: () => Promise<void>): void {
    const look = async () => {
      if (this.#parts.consensus.status.role === "leader") await this.#try(check);
      if (!this.#stopped) this.#wait(what, everyMs, check);
    };
    this.#stopTimers.set(
      what,
      this.#parts.clock.after(everyMs, () => void look()),
    );
  }

  /** Never rejects: the next check may tell. */
  async #try(check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      if (!this.#stopped) this.#parts.log.warn("failed to check hash KV", { error });
    }
  }

  /** An alarm that stands is not raised again. */
  #accuse(members: readonly MemberId[]): void {
    const { proposer, alarms, log } = this.#parts;
    for (const memberId of members) {
      const isAccused = (one: AlarmMember) => one.alarm === "CORRUPT" && one.memberId === memberId;
      if (alarms().some(isAccused)) continue;
      proposer
        .propose("alarm", { action: "ACTIVATE", memberId, alarm: "CORRUPT" })
        .catch((error: unknown) => {
          if (!this.#stopped) log.warn("failed to raise alarm", { alarm: "CORRUPT", error });
        });
    }
  }
}
