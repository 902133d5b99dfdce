import { type Duration, durationMs } from "../duration.ts";
import { Heap } from "../heap.ts";
import { shown } from "../shown.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ownClearTimeout, ownSetTimeout } from "./own-timers.ts";

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  fire: (() => void) | undefined;
}

const isBefore = (a: Timer, b: Timer) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
/** Timers that were cancelled and are still held, beside as many as there are others. */
const cancelledMost = 1024;
/** The longest that Node counts. */
const alarmMsMost = 2 ** 31 - 1;
/** Times outside of these have no text in the API: years have four digits. */
export const wallMsLeast = Date.parse("0001-01-01T00:00:00Z");
export const wallMsMost = Date.parse("9999-12-31T23:59:59Z");

/** How a clock goes that can be moved. */
export interface ClockOptions {
  /** False: it stands still unless it is moved. */
  readonly runs: boolean;
  /** What it shows at first, since 1970. */
  readonly startMs: number;
  /** Why nobody may move it, where that is so. */
  readonly heldBy?: string;
}

/** A clock that can be moved: all that waits by it waits for that, too. It fires what becomes due in the order of time, then of
 *  creation, and what follows from one timer is done before the next. */
export class MovableClock implements Clock {
  readonly #runs: boolean;
  readonly #startMs: number;
  readonly #heldBy: string | undefined;
  /** What the machine's clock showed at first. */
  readonly #realStartMs = systemClock.monotonicMs();
  /** How far it was moved; of one that stands still, its whole time. */
  #movedMs = 0;
  #order = 0;
  #pending = 0;
  #closed: Error | undefined;
  #timers = new Heap<Timer>(isBefore);
  #alarm: { readonly dueMs: number; readonly cancel: () => void } | undefined;
  readonly #quiet: () => Promise<void>;
  #moving: Promise<void> = Promise.resolve();
  #isMoving = false;

  /** @param quiet Resolves when nothing is at work that does not wait for time to pass. */
  constructor({ runs, startMs, heldBy }: ClockOptions, quiet: () => Promise<void>) {
    this.#heldBy = heldBy;
    this.#runs = runs;
    this.#startMs = startMs;
    this.#quiet = quiet;
  }

  now(): Date {
    return new Date(this.wallMs());
  }

  monotonicMs(): number {
    return this.#movedMs + (this.#runs ? systemClock.monotonicMs() - this.#realStartMs : 0);
  }

  wallMs(): number {
    return Math.floor(this.#startMs + this.monotonicMs());
  }

  get pending(): number {
    return this.#pending;
  }

  after(delayMs: number, fire: () => void): () => void {
    // One that is not a number has no place among the others.
    if (typeof delayMs !== "number" || Number.isNaN(delayMs))
      throw new TypeError(`delayMs: ${shown(delayMs)} must be milliseconds`);
    if (typeof fire !== "function") throw new TypeError(`fire: ${shown(fire)} must be a function`);
    const timer: Timer = { dueMs: this.monotonicMs() + Math.max(0, delayMs), order: this.#order++, fire };
    this.#timers.push(timer);
    this.#pending++;
    this.#setAlarm();
    return () => {
      if (timer.fire === undefined) return;
      timer.fire = undefined;
      this.#pending--;
      this.#forgetCancelled();
      this.#setAlarm();
    };
  }

  /** From now on nothing becomes due any more.
   *  @param why Told to whoever moves it then. */
  close(why = "it was closed"): void {
    this.#closed = new Error(`the clock stands still: ${why}`);
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#timers.clear();
    this.#pending = 0;
  }

  async advance(by: Duration): Promise<void> {
    const byMs = durationMs(by);
    if (this.#closed !== undefined) throw this.#closed;
    if (byMs > 0 && this.#heldBy !== undefined)
      throw new TypeError(`the clock cannot be moved on: ${this.#heldBy}`);
    return this.#move(async () => {
      const untilMs = this.monotonicMs() + byMs;
      if (this.#startMs + untilMs > wallMsMost)
        throw new TypeError(`${shown(by)} would lead past the year 9999, which the API has no text for`);
      await this.#quiet();
      while (this.#nextDueMs() <= untilMs) await this.#step(this.#nextDueMs());
      this.#jumpTo(untilMs);
    });
  }

  /** The time of whoever waits for something: a clock that stands still is moved from one timer to the next until that has come or
   *  the time is over, which counts from when no other move is under way. */
  readonly driven: Pick<Clock, "after"> = {
    after: (delayMs, fire) => {
      let isDone = false;
      const moved = this.#move(async () => {
        const untilMs = this.monotonicMs() + delayMs;
        await this.#quiet();
        while (!isDone && this.#nextDueMs() <= untilMs) await this.#step(this.#nextDueMs());
        if (!isDone) this.#jumpTo(untilMs);
      });
      void moved.finally(() => {
        if (!isDone) fire();
      });
      return () => {
        isDone = true;
      };
    },
  };

  #move(work: () => Promise<void>): Promise<void> {
    const moved = this.#moving.then(async () => {
      this.#isMoving = true;
      try {
        await work();
      } finally {
        this.#isMoving = false;
        this.#setAlarm();
      }
    });
    this.#moving = moved.catch(() => undefined); // whoever moved it hears of it
    return moved;
  }

  async #step(dueMs: number): Promise<void> {
    this.#jumpTo(dueMs);
    // All that is due at one time, in its order, each with what follows from it.
    this.#fireNext();
    await this.#quiet();
  }

  #jumpTo(ms: number): void {
    this.#movedMs += Math.max(0, ms - this.monotonicMs());
  }

  /** Most timers are cancelled, such as those that bound requests: they must not stay until they would have been due. */
  #forgetCancelled(): void {
    if (this.#timers.size < 2 * this.#pending + cancelledMost) return;
    const kept = new Heap<Timer>(isBefore);
    for (let timer = this.#timers.pop(); timer !== undefined; timer = this.#timers.pop())
      if (timer.fire !== undefined) kept.push(timer);
    this.#timers = kept;
  }

  #nextDueMs(): number {
    for (let next = this.#timers.peek(); next !== undefined; next = this.#timers.peek()) {
      if (next.fire !== undefined) return next.dueMs;
      this.#timers.pop();
    }
    return Number.POSITIVE_INFINITY;
  }

  #fireNext(): void {
    const timer = this.#timers.pop();
    const fire = timer?.fire;
    if (timer === undefined || fire === undefined) return;
    timer.fire = undefined;
    this.#pending--;
    fire();
  }

  /** A clock that runs is woken by the machine's when its first timer is due. */
  #setAlarm(): void {
    if (!this.#runs || this.#isMoving || this.#closed !== undefined) return;
    const dueMs = this.#nextDueMs();
    if (this.#alarm?.dueMs === dueMs) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const alarm = ownSetTimeout(
      () => {
        this.#alarm = undefined;
        if (this.#isMoving) return;
        try {
          while (this.#nextDueMs() <= this.monotonicMs()) this.#fireNext();
        } finally {
          this.#setAlarm(); // whatever a timer of the test's throws, the others become due
        }
      },
      Math.min(Math.max(0, dueMs - this.monotonicMs()), alarmMsMost),
    );
    // What keeps the process alive is that somebody waits (`waiting.ts`), not that time passes.
    alarm.unref();
    this.#alarm = { dueMs, cancel: () => ownClearTimeout(alarm) };
  }
}
