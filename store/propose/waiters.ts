import { type Deferred, deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";

interface Waiter<T> {
  readonly answer: Deferred<T>;
  readonly sinceMs: number;
}

/** Who waits for which id. All wait equally long, so the oldest is always the next to give up and one timer serves all.
 *  Invariant: every registered id is settled exactly once: by `settle`, `fail…`, or after `timeoutMs`. */
export class Waiters<T> {
  readonly #byId = new Map<bigint, Waiter<T>>(); // in order of registration
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #timeoutError: (sinceMs: number) => Error;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, timeoutMs: number, timeoutError: (sinceMs: number) => Error) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#timeoutError = timeoutError;
  }

  get size(): number {
    return this.#byId.size;
  }

  wait(id: bigint): Promise<T> {
    const answer = deferred<T>();
    this.#byId.set(id, { answer, sinceMs: this.#clock.monotonicMs() });
    if (this.#stopTimer === undefined) this.#arm(this.#timeoutMs);
    return answer.promise;
  }

  /** False: nobody waits for it here. */
  settle(id: bigint, value: T): boolean {
    const waiter = this.#byId.get(id);
    if (waiter === undefined) return false;
    this.#byId.delete(id);
    waiter.answer.resolve(value);
    return true;
  }

  fail(id: bigint, error: Error): void {
    const waiter = this.#byId.get(id);
    this.#byId.delete(id);
    waiter?.answer.reject(error);
  }

  /** Fails all who began to wait at `untilMs` or before. */
  failOlder(untilMs: number, error: Error): void {
    for (const [id, waiter] of this.#byId) {
      if (waiter.sinceMs > untilMs) return;
      this.#byId.delete(id);
      waiter.answer.reject(error);
    }
  }

  stop(error: Error): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.failOlder(Number.POSITIVE_INFINITY, error);
  }

  #arm(delayMs: number): void {
    this.#stopTimer = this.#clock.after(delayMs, () => {
      this.#stopTimer = undefined;
      this.#expire();
    });
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, waiter] of this.#byId) {
      const restMs = waiter.sinceMs + this.#timeoutMs - nowMs;
      if (restMs > 0) {
        this.#arm(restMs);
        return;
      }
      this.#byId.delete(id);
      waiter.answer.reject(this.#timeoutError(waiter.sinceMs));
    }
  }
}
