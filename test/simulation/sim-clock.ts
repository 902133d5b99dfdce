import type { Clock } from "../../base/os/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  fire: (() => void) | undefined;
}

/** Turns of the real event loop asked for at a time. Between two, all promises that are ready run on. */
const turnsAtOnce = 32;

/** Simulated time: it stands still while code runs, and jumps from one timer to the next. Timers of one instant fire in the
 *  order they were set. */
export class SimClock implements Clock {
  #nowMs = 0;
  #order = 0;
  /** A binary heap by time, then order. */
  readonly #heap: Timer[] = [];
  fired = 0;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#push(timer);
    return () => {
      timer.fire = undefined;
    };
  }

  /** Fires timers in turn until simulated time reaches `untilMs` or `isOver` says so. After each, everything that can run
   *  without time passing runs to its end; then `look` may look at the result. */
  run(
    untilMs: number,
    isOver: () => boolean = () => false,
    look: () => void = () => undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let hasFired = false;
      let isDone = false;
      let turnsLeft = 0;
      const turn = () => {
        turnsLeft--;
        if (isDone) return;
        try {
          if (hasFired) look();
          hasFired = this.#fireNext(untilMs, isOver);
        } catch (error) {
          isDone = true;
          reject(error);
          return;
        }
        isDone = !hasFired;
        if (isDone) resolve();
        else if (turnsLeft === 0) schedule();
      };
      const schedule = () => {
        for (; turnsLeft < turnsAtOnce; turnsLeft++) setImmediate(turn);
      };
      schedule();
    });
  }

  /** False: nothing is left to do until then. */
  #fireNext(untilMs: number, isOver: () => boolean): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs || isOver()) break;
      this.#pop();
      if (next.fire === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.fired++;
      next.fire();
      return true;
    }
    if (!isOver()) this.#nowMs = Math.max(this.#nowMs, untilMs);
    return false;
  }

  /** Forgets all that is still to come, so that nothing keeps what would have done it in memory. */
  end(): void {
    this.#heap.length = 0;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!sooner(timer, heap[parent] as Timer)) break;
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && sooner(heap[child + 1] as Timer, heap[child] as Timer)) child++;
      if (!sooner(heap[child] as Timer, last)) break;
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = last;
  }
}

function sooner(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** What a machine's clock and processor are like; it may change while they run. */
export interface Pace {
  /** Added to what the wall clock says. */
  wallOffsetMs: number;
  /** How fast its monotonic clock goes: 1.01 is a hundredth too fast. */
  readonly rate: number;
  /** Time that everything a process does at once takes. */
  readonly computeMs: number;
}

/** What a process asked for at a moment; without `fire` it was called off. */
interface Due {
  fire: (() => void) | undefined;
}

/** A member's view of the clock: its timers die with it, it can be paused as a stopped process is, and what it does takes time. */
export class ProcessClock implements Clock {
  readonly #clock: SimClock;
  readonly #pace: Pace;
  #alive = true;
  /** While paused, timers that come due wait. */
  #paused = false;
  #held: Due[] = [];
  /** While the process is busy, timers that come due wait in their order. */
  #waiting: Due[] = [];
  #busyUntilMs = 0;
  #turns = 0;
  #killedMs: number | undefined;

  constructor(clock: SimClock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs() * this.#pace.rate;
  }

  wallMs(): number {
    return this.#clock.wallMs() + this.#pace.wallOffsetMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    const due: Due = { fire };
    const cancel = this.#clock.after(delayMs / this.#pace.rate, () => this.#come(due));
    return () => {
      due.fire = undefined;
      cancel();
    };
  }

  /** Its time has come: it runs, or waits until the process has done what it is at. */
  #come(due: Due): void {
    if (!this.#alive || due.fire === undefined) return;
    if (this.#paused) this.#held.push(due);
    else if (this.#waiting.length > 0 || this.#clock.monotonicMs() < this.#busyUntilMs) this.#wait(due);
    else this.#run(due);
  }

  #run({ fire }: Due): void {
    this.#busyUntilMs = this.#clock.monotonicMs() + this.#pace.computeMs;
    this.#turns++;
    fire?.();
  }

  /** It goes on for a reason that is no timer of its own. */
  woken(): void {
    this.#turns++;
  }

  /** How often it had something to do: while this stays, nothing of the process changes. */
  get turns(): number {
    return this.#turns;
  }

  #wait(due: Due): void {
    this.#waiting.push(due);
    if (this.#waiting.length === 1) this.#runNextWhenFree();
  }

  #runNextWhenFree(): void {
    this.#clock.after(this.#busyUntilMs - this.#clock.monotonicMs(), () => {
      if (!this.#alive) return;
      if (this.#paused) {
        this.#held.push(...this.#waiting.splice(0));
        return;
      }
      while (this.#waiting[0] !== undefined && this.#waiting[0].fire === undefined) this.#waiting.shift();
      const next = this.#waiting.shift();
      if (next !== undefined) this.#run(next);
      if (this.#waiting.length > 0) this.#runNextWhenFree();
    });
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** Whether what was said at that moment got out: a process that dies within a turn says nothing of that turn. */
  gotOut(saidMs: number): boolean {
    return saidMs !== this.#killedMs;
  }

  kill(): void {
    this.#alive = false;
    this.#killedMs = this.#clock.monotonicMs();
    this.#held = [];
    this.#waiting = [];
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const due of this.#held.splice(0)) this.#come(due);
  }
}
