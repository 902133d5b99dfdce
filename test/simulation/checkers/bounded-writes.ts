import type { Life, Machine } from "../machine.ts";
import type { SimOptions } from "../options.ts";
import type { Report } from "../report.ts";
import type { SimNetwork } from "../sim-network.ts";

interface Steady {
  readonly life: Life;
  readonly term: number;
  readonly sinceMs: number;
}

/** How long a leader may take for a write that it was asked for, with a quorum that has all it has: a few rounds of messages and
 *  syncs, and a large entry's slices. Nothing may be lost on the way, for that is noticed by heartbeats and timeouts only. */
const boundMs = ({ delayMs, syncMs, computeMs, heartbeatMs }: SimOptions) =>
  1_000 + 60 * delayMs + 60 * syncMs + 1_000 * computeMs + 4 * heartbeatMs;

/** A write that its leader was asked for is answered within a bound while that leader has a quorum. */
export class BoundedWrites {
  readonly #machines: readonly Machine[];
  readonly #network: Pick<SimNetwork, "isCut">;
  readonly #report: Report;
  readonly #boundMs: number;
  /** More for each write before it: where a message has one entry, some eight are under way at a time. */
  readonly #perWriteMs: number;
  readonly #isChecked: boolean;
  readonly #open = new Map<
    number,
    { readonly machine: Machine; readonly askedMs: number; readonly boundMs: number }
  >();
  #steady: Steady | undefined;

  constructor(
    options: SimOptions,
    parts: {
      readonly machines: readonly Machine[];
      readonly network: Pick<SimNetwork, "isCut">;
      readonly report: Report;
    },
  ) {
    this.#machines = parts.machines;
    this.#network = parts.network;
    this.#report = parts.report;
    this.#boundMs = boundMs(options);
    this.#perWriteMs = (options.delayMs + options.syncMs) / 2;
    this.#isChecked = options.lossChance === 0;
  }

  asked(operation: number, machine: Machine, nowMs: number): void {
    const boundMs = this.#boundMs + this.#open.size * this.#perWriteMs;
    this.#open.set(operation, { machine, askedMs: nowMs, boundMs });
  }

  answered(operation: number): void {
    this.#open.delete(operation);
  }

  /** To be called after every event. Where nobody waits, nothing is to be known of who leads. */
  look(nowMs: number): void {
    if (!this.#isChecked) return;
    if (this.#open.size === 0) {
      this.#steady = undefined;
      return;
    }
    const leader = this.#leaderWithQuorum();
    const { steady } = this;
    if (leader === undefined) this.#steady = undefined;
    else if (steady?.life !== leader.life || steady.term !== leader.term)
      this.#steady = { ...leader, sinceMs: nowMs };
    else this.#lookAt(steady, nowMs);
  }

  get steady(): Steady | undefined {
    return this.#steady;
  }

  #lookAt({ life, sinceMs }: Steady, nowMs: number): void {
    for (const [operation, { machine, askedMs, boundMs }] of this.#open) {
      if (machine !== life.machine || nowMs - Math.max(askedMs, sinceMs) <= boundMs) continue;
      this.#report(
        "writes answer in time",
        `#${operation} was asked of ${machine.name}, which leads and has a quorum, and is not answered after ${boundMs} ms`,
      );
      return;
    }
  }

  #leaderWithQuorum(): { readonly life: Life; readonly term: number } | undefined {
    for (const { life } of this.#machines) {
      const status = life?.member?.driver.status;
      if (life === undefined || status?.role !== "leader" || !isWell(life)) continue;
      const voters = status.progress.filter(({ learner }) => !learner);
      const well = voters.filter(
        ({ id, match }) => id === life.id || (match >= status.committed && this.#isLinked(life, id)),
      );
      if (2 * well.length > voters.length) return { life, term: status.term };
    }
    return undefined;
  }

  #isLinked(leader: Life, id: bigint): boolean {
    const other = this.#machines.find((machine) => machine.id === id);
    if (other?.life?.member === undefined || !isWell(other.life)) return false;
    return !this.#network.isCut(leader.machine, other) && !this.#network.isCut(other, leader.machine);
  }
}

function isWell({ clock, machine, installs }: Life): boolean {
  const { weather } = machine;
  return (
    !clock.isPaused &&
    installs === 0 &&
    weather.slowMs === 0 &&
    !weather.isFull &&
    weather.failNext === undefined
  );
}
