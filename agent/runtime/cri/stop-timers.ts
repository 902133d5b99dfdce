import type { Clock } from "../../../base/os/clock.ts";
import { RuntimeError } from "../seam.ts";

export interface StopOrder {
  readonly graceSeconds: number;
  readonly signal?: AbortSignal | undefined;
  /** Asks the container to end; resolves once it has. */
  readonly ask: () => Promise<void>;
  /** Ends it; resolves once it has ended. */
  readonly kill: () => Promise<void>;
  readonly isOver: () => boolean;
}

interface Stop {
  dueMs: number;
  cancel: () => void;
  /** Whoever waits for it. */
  readonly waiting: Set<(error: Error | undefined) => void>;
}

/** Containers that are being stopped: the sooner end counts, whoever asked for it, and each is asked to end once. */
export class StopTimers {
  readonly #clock: Clock;
  readonly #stops = new Map<string, Stop>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves once it has ended. Rejects with the signal's reason, and then kills no more, or when killing does not end it. */
  stop(id: string, order: StopOrder): Promise<void> {
    const { signal, graceSeconds, ask, kill, isOver } = order;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const known = this.#stops.get(id);
      const stop: Stop = known ?? {
        dueMs: Number.POSITIVE_INFINITY,
        cancel: () => undefined,
        waiting: new Set(),
      };
      this.#stops.set(id, stop);
      const done = (error: Error | undefined) => {
        stop.waiting.delete(done);
        signal?.removeEventListener("abort", onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = () => {
        if (stop.waiting.size === 1) this.#end(id, stop);
        done(signal?.reason);
      };
      stop.waiting.add(done);
      signal?.addEventListener("abort", onAbort, { once: true });
      const finish = (error: Error | undefined) => {
        if (this.#stops.get(id) !== stop) return;
        this.#end(id, stop);
        for (const one of [...stop.waiting]) one(error);
      };
      const tried = (act: () => Promise<void>, isLast: boolean) =>
        act().then(
          () => {
            if (isOver()) finish(undefined);
            else if (isLast) finish(new RuntimeError(`container ${id} does not end`));
          },
          (cause: unknown) => {
            if (isOver()) finish(undefined);
            else if (isLast) finish(new RuntimeError(`container ${id} does not end`, { cause }));
          },
        );
      const dueMs = this.#clock.monotonicMs() + graceSeconds * 1000;
      if (dueMs < stop.dueMs) {
        stop.cancel();
        stop.dueMs = dueMs;
        stop.cancel = this.#clock.after(graceSeconds * 1000, () => void tried(kill, true));
      }
      if (known === undefined && graceSeconds > 0) void tried(ask, false);
    });
  }

  clearAll(): void {
    for (const [id, stop] of this.#stops) this.#end(id, stop);
  }

  #end(id: string, stop: Stop): void {
    stop.cancel();
    this.#stops.delete(id);
  }
}
