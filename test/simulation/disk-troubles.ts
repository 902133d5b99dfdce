import { below, type Random } from "../../base/os/random.ts";
import type { EventLog } from "./event-log.ts";
import type { Machine } from "./machine.ts";
import type { SimClock } from "./sim-clock.ts";

/** Makes disks fail, lie and rot; and knows whose data may be damaged without end for the cluster. */
export class DiskTroubles {
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #machines: readonly Machine[];
  readonly #events: EventLog;
  readonly #voters: () => number | undefined;
  readonly #isSettled: (machine: Machine) => boolean;

  constructor(parts: {
    readonly clock: SimClock;
    readonly random: Random;
    readonly machines: readonly Machine[];
    readonly events: EventLog;
    /** How many have a vote; undefined while that is changing. */
    readonly voters: () => number | undefined;
    /** Whether a member knows after any crash who has a vote now. */
    readonly isSettled: (machine: Machine) => boolean;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#machines = parts.machines;
    this.#events = parts.events;
    this.#voters = parts.voters;
    this.#isSettled = parts.isSettled;
  }

  /** The next operation of some kind fails. */
  fail(machine: Machine): void {
    const kinds = ["read", "write", "sync"] as const;
    const kind = kinds[below(this.#random, kinds.length)];
    this.#events.add(`the next ${kind} of ${machine.name} fails`);
    machine.weather.failNext = kind;
  }

  fill(machine: Machine, forMs: number): void {
    this.#events.add(`the disk of ${machine.name} is full`);
    machine.weather.isFull = true;
    this.#clock.after(forMs, () => {
      machine.weather.isFull = false;
    });
  }

  slow(machine: Machine, forMs: number): void {
    machine.weather.slowMs = 1 + below(this.#random, 200);
    this.#events.add(`each step of the disk of ${machine.name} takes ${machine.weather.slowMs} ms more`);
    this.#clock.after(forMs, () => {
      machine.weather.slowMs = 0;
    });
  }

  /** For a while it syncs nothing; then the power fails, or does not. */
  lie(machine: Machine, forMs: number): void {
    if (!this.#mayDamage(machine)) return;
    this.#events.add(`the disk of ${machine.name} lies`);
    machine.weather.lies = true;
    this.#clock.after(forMs, () => {
      machine.weather.lies = false;
    });
  }

  rot(machine: Machine): void {
    if (!this.#mayDamage(machine)) return;
    const where = machine.rot();
    if (where !== undefined) this.#events.add(`a bit of ${machine.name} turns over: ${where}`);
  }

  mendAll(): void {
    for (const { weather } of this.#machines) {
      weather.failNext = undefined;
      weather.isFull = false;
      weather.slowMs = 0;
      weather.lies = false;
    }
  }

  /** A minority may lose what it has: one at a time, while nobody comes or goes. Who does not know that a vote was added
   *  counts by the votes before, among which the damaged one may be half. */
  #mayDamage(machine: Machine): boolean {
    return (
      (this.#voters() ?? 0) >= 3 &&
      this.#machines.every(
        (one) =>
          one === machine ||
          (one.damage === undefined && !one.weather.lies && !one.isCatchingUp && this.#isSettled(one)),
      )
    );
  }
}
