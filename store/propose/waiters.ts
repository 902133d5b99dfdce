import type { Clock } from "../../base/os/clock.ts";
import { tellEach } from "../../base/tell-each.ts";

/** Who waits for which id, and since when by the monotonic clock. All wait equally long, so the oldest is always the next to
 *  give up and one timer serves all.
 *  Invariant: each that was added is taken once, by `take` or by `fail`, or by `stop` or after `timeoutMs` and then failed. */
export class Waiters<W extends { readonly id: bigint; readonly sinceMs: number }> {
  readonly #byId = new Map<bigint, W>(); // in order of registration
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #timeoutError: (sinceMs: number) => Error;
  readonly #onFailed: (waiter: W, error: Error) => void;
  #stopTimer: (() => void) | undefined;

  constructor(
    clock: Clock,
    timeoutMs: number,
    on: {
      readonly failed: (waiter: W, error: Error) => void;
      readonly timeoutError: (sinceMs: number) => Error;
    },
  ) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#timeoutError = on.timeoutError;
    this.#onFailed = on.failed;
  }

  get size(): number {
    return this.#byId.size;
  }

  has(id: bigint): boolean {
    return this.#byId.has(id);
  }

  /** In order of registration; one that is taken meanwhile is left out. */
  values(): Iterable<W> {
    return this.#byId.values();
  }

  add(waiter: W): void {
    this.#byId.set(waiter.id, waiter);
    if (this.#stopTimer === undefined) this.#arm(this.#timeoutMs);
  }

  /** Who waits for it, and does no longer; undefined where nobody does. */
  take(id: bigint): W | undefined {
    const waiter = this.#byId.get(id);
    if (waiter !== undefined) this.#byId.delete(id);
    return waiter;
  }

  fail(id: bigint, error: Error): void {
    const waiter = this.take(id);
    if (waiter !== undefined) this.#onFailed(waiter, error);
  }

  stop(error: Error): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    tellEach(this.#byId.keys(), (id) => this.fail(id, error));
  }

  #arm(delayMs: number): void {
    this.#stopTimer = this.#clock.after(delayMs, () => {
      this.#stopTimer = undefined;
      this.#expire();
    });
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    const late: W[] = [];
    for (const waiter of this.#byId.values()) {
      const restMs = waiter.sinceMs + this.#timeoutMs - nowMs;
      if (restMs > 0) {
        this.#arm(restMs);
        break;
      }
      late.push(waiter);
    }
    tellEach(late, ({ id, sinceMs }) => this.fail(id, this.#timeoutError(sinceMs)));
  }
}
