import type { Clock } from "../../../base/os/clock.ts";

/** Deadlines are looked after in steps, so that thousands of different ones cost few timers. */
const stepMs = 20;

export interface Expiring {
  expired(): void;
}

/** Calls back at the first step after a moment, never before it. */
export class Deadlines {
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  readonly #steps = new Map<number, Set<Expiring>>();
  #nextStep = Number.POSITIVE_INFINITY;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Pick<Clock, "monotonicMs" | "after">) {
    this.#clock = clock;
  }

  /** Gives what `forget` is to be told. */
  add(atMs: number, call: Expiring): number {
    const step = Math.ceil(atMs / stepMs);
    let calls = this.#steps.get(step);
    if (calls === undefined) {
      calls = new Set();
      this.#steps.set(step, calls);
    }
    calls.add(call);
    if (step < this.#nextStep) this.#arm(step);
    return step;
  }

  forget(step: number, call: Expiring): void {
    const calls = this.#steps.get(step);
    if (calls?.delete(call) && calls.size === 0) this.#steps.delete(step);
  }

  stop(): void {
    this.#stopTimer?.();
    this.#steps.clear();
  }

  #arm(step: number): void {
    this.#stopTimer?.();
    this.#nextStep = step;
    const delayMs = Math.max(1, step * stepMs - this.#clock.monotonicMs());
    this.#stopTimer = this.#clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    this.#nextStep = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    const due: Set<Expiring>[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [step, calls] of this.#steps)
      if (step * stepMs > nowMs) next = Math.min(next, step);
      else {
        this.#steps.delete(step);
        due.push(calls);
      }
    if (this.#steps.size > 0) this.#arm(next);
    for (const calls of due) for (const call of calls) call.expired();
  }
}
