import { Heap } from "./heap.ts";
import type { Clock } from "./os/clock.ts";
import { tellEach } from "./tell-each.ts";

/** Deadlines are looked after in steps, so that thousands of different ones cost few timers. */
const stepMs = 20;
/** So many calls are told at most before the event loop goes on. */
const togetherMost = 1_000;
/** Steps without calls are forgotten once there are so many more of them than of others. */
const spareStepsMost = 64;

export interface Expiring {
  expired(): void;
}

/** Calls back at the first step after a moment, never before it. What one call costs grows with the logarithm of the number of
 *  steps that have some. */
export class Deadlines {
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  readonly #steps = new Map<number, Set<Expiring>>();
  /** All steps that have calls, and some that had. */
  readonly #order = new Heap<number>((a, b) => a < b);
  #nextStep = Number.POSITIVE_INFINITY;
  #stopTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(clock: Pick<Clock, "monotonicMs" | "after">) {
    this.#clock = clock;
  }

  /** Gives what `forget` is to be told. */
  add(atMs: number, call: Expiring): number {
    const step = Math.ceil(atMs / stepMs);
    if (this.#isStopped) return step;
    let calls = this.#steps.get(step);
    if (calls === undefined) {
      calls = new Set();
      this.#steps.set(step, calls);
      this.#insert(step);
    }
    calls.add(call);
    if (step < this.#nextStep) this.#arm(step);
    return step;
  }

  forget(step: number, call: Expiring): void {
    const calls = this.#steps.get(step);
    if (calls?.delete(call) && calls.size === 0) this.#steps.delete(step);
  }

  /** Nobody is called back any more, nor is who is added later. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTimer?.();
    this.#steps.clear();
    this.#order.clear();
  }

  #insert(step: number): void {
    if (this.#order.size > 2 * this.#steps.size + spareStepsMost) {
      this.#order.clear();
      for (const known of this.#steps.keys()) this.#order.push(known);
    } else this.#order.push(step);
  }

  #first(): number | undefined {
    let first = this.#order.peek();
    while (first !== undefined && !this.#steps.has(first)) {
      this.#order.pop();
      first = this.#order.peek();
    }
    return first;
  }

  #arm(step: number): void {
    this.#stopTimer?.();
    this.#nextStep = step;
    const delayMs = Math.max(1, step * stepMs - this.#clock.monotonicMs());
    this.#stopTimer = this.#clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    this.#nextStep = Number.POSITIVE_INFINITY;
    const due = this.#takeDue(this.#clock.monotonicMs());
    const next = this.#first();
    if (next !== undefined) this.#arm(next);
    tellEach(due, (call) => call.expired());
  }

  /** Those that are left over are still due in the next turn, unless they are forgotten until then. */
  #takeDue(nowMs: number): readonly Expiring[] {
    const due: Expiring[] = [];
    for (let step = this.#first(); step !== undefined && step * stepMs <= nowMs; step = this.#first())
      for (const call of this.#steps.get(step) ?? []) {
        if (due.length === togetherMost) return due;
        due.push(call);
        this.forget(step, call);
      }
    return due;
  }
}
