import { assert } from "../base/assert.ts";
import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import { type Clock, systemClock } from "../base/os/clock.ts";
import { type Random, systemRandom } from "../base/os/random.ts";

export interface WorkQueueOptions {
  /** Wait before a key that failed n times comes again; 5 ms doubling to 30 s by default. */
  readonly backoff?: BackoffOptions;
  readonly observer?: QueueObserver;
}

/** Told of what becomes of keys, for metrics. */
export interface QueueObserver {
  /** One more key needs work; not told for one that did already. */
  onAdd(): void;
  onTake(waitedMs: number): void;
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
  /** With when that began. */
  readonly #working = new Map<string, number>();
  /** Since when keys need work; only for the observer. */
  readonly #waitingSinceMs = new Map<string, number>();
  readonly #observer: QueueObserver | undefined;
  readonly #failures = new Map<string, number>();
  /** The pending `addAfter` of a key: when, and how to cancel its timer. */
  readonly #later = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>();
  readonly #takers = new Set<(key: string) => void>();
  #closed = false;

  /** Time and chance are the system's unless given. */
  constructor(
    deps: { readonly clock?: Clock; readonly random?: Random } = {},
    options: WorkQueueOptions = {},
  ) {
    this.#clock = deps.clock ?? systemClock;
    this.#random = deps.random ?? systemRandom;
    this.#backoff = options.backoff ?? defaultBackoff;
    this.#observer = options.observer;
  }

  /** Keys ready to be taken. */
  get length(): number {
    return this.#ready.size;
  }

  /** Nothing ready, nothing being worked on, nothing due later. */
  get idle(): boolean {
    return this.#ready.size === 0 && this.#working.size === 0 && this.#later.size === 0;
  }

  /** For how long each key has been worked on that is. */
  workingForMs(): readonly number[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#working.values()].map((sinceMs) => nowMs - sinceMs);
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#observer !== undefined && !this.#waitingSinceMs.has(key)) {
      this.#waitingSinceMs.set(key, this.#clock.monotonicMs());
      this.#observer.onAdd();
    }
    this.#put(key);
  }

  #put(key: string): void {
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    const [taker] = this.#takers;
    if (taker === undefined) this.#ready.add(key);
    else {
      this.#takers.delete(taker);
      this.#begin(key);
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
      this.#begin(key);
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
    if (this.#again.delete(key) && !this.#closed) this.#put(key);
  }

  #begin(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    this.#working.set(key, nowMs);
    const sinceMs = this.#waitingSinceMs.get(key);
    this.#waitingSinceMs.delete(key);
    if (sinceMs !== undefined) this.#observer?.onTake(nowMs - sinceMs);
  }

  /** Forgets everything; later adds do nothing. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#later.values()) cancel();
    this.#later.clear();
    this.#ready.clear();
    this.#again.clear();
    this.#waitingSinceMs.clear();
  }
}
