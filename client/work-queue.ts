import { assert } from "../base/assert.ts";
import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/os/clock.ts";
import type { Random } from "../base/os/random.ts";

export interface WorkQueueOptions {
  /** Wait before a key that failed n times comes again; 5 ms doubling to 30 s by default. */
  readonly backoff?: BackoffOptions;
}

const defaultBackoff: BackoffOptions = { firstMs: 5, mostMs: 30_000 };

/** Keys that need work, each at most once, in order of arrival. Its length is bounded by the number of objects.
 *  Invariant: a key is worked on by one worker at a time; what is added meanwhile comes again after `done`.
 *  Invariant: a key added is handed out at least once after that. */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: BackoffOptions;
  /** Ready, in order; exactly the dirty keys that are not being worked on. */
  readonly #ready = new Set<string>();
  /** Added while being worked on. */
  readonly #again = new Set<string>();
  readonly #working = new Set<string>();
  readonly #failures = new Map<string, number>();
  /** The pending `addAfter` of a key: when, and how to cancel its timer. */
  readonly #later = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>();
  readonly #takers = new Set<(key: string) => void>();
  #closed = false;

  constructor(deps: { readonly clock: Clock; readonly random: Random }, options: WorkQueueOptions = {}) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#backoff = options.backoff ?? defaultBackoff;
  }

  /** Keys ready to be taken. */
  get length(): number {
    return this.#ready.size;
  }

  /** Nothing ready, nothing being worked on, nothing due later. */
  get idle(): boolean {
    return this.#ready.size === 0 && this.#working.size === 0 && this.#later.size === 0;
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    const [taker] = this.#takers;
    if (taker === undefined) this.#ready.add(key);
    else {
      this.#takers.delete(taker);
      this.#working.add(key);
      taker(key);
    }
  }

  /** Adds once `delayMs` have passed; of several the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const pending = this.#later.get(key);
    if (pending !== undefined && pending.dueMs <= dueMs) return;
    pending?.cancel();
    const cancel = this.#clock.after(delayMs, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { dueMs, cancel });
  }

  /** Counts a failure and adds after the back-off that calls for. */
  addRateLimited(key: string): void {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    this.addAfter(key, backoffMs(this.#backoff, failures, this.#random));
  }

  /** The key succeeded: its next failure is the first again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures since the last `forget`. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, as soon as there is one. The taker must call `done`. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<string> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const [key] = this.#ready;
    if (key !== undefined) {
      this.#ready.delete(key);
      this.#working.add(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#takers.delete(taker);
        reject(signal.reason);
      };
      const taker = (next: string) => {
        signal.removeEventListener("abort", onAbort);
        resolve(next);
      };
      this.#takers.add(taker);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Work on the key ended, well or not. */
  done(key: string): void {
    assert(this.#working.delete(key), `work queue: done(${key}) without take`);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Forgets everything; later adds do nothing. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#later.values()) cancel();
    this.#later.clear();
    this.#ready.clear();
    this.#again.clear();
  }
}
