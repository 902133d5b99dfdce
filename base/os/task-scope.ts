import { setMaxListeners } from "node:events";
import { deferred } from "../deferred.ts";
import type { Log } from "./log.ts";

/** Owns background loops: aborts them, awaits them, and hears their failure. Nothing in Pintle floats outside a scope.
 *  Invariant: after `stop()` resolves, no task started by this scope is running. */
export class TaskScope implements AsyncDisposable {
  readonly #abort = new AbortController();
  readonly #running = new Map<Promise<void>, string>();
  readonly #log: Log;
  #failure: { readonly task: string; readonly error: unknown } | undefined;
  readonly #stopped = deferred<void>();

  constructor(log: Log) {
    this.#log = log;
    setMaxListeners(0, this.signal); // every task of the scope listens, and every request they make
    this.#stopped.promise.catch(() => undefined); // heard through untilStopped() and stop()
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Starts a task. When it fails, every other task of the scope is aborted and `untilStopped` rejects, naming it. */
  run(name: string, task: (signal: AbortSignal) => Promise<void>): void {
    if (this.signal.aborted) return;
    const settled = task(this.signal)
      .catch((error: unknown) => {
        if (this.signal.aborted && isAbort(error, this.signal)) return;
        this.#failure ??= { task: name, error };
        this.#log.error("background task failed", { task: name, error });
        this.#abort.abort(new Error(`task ${name} failed`, { cause: error }));
      })
      .finally(() => {
        this.#running.delete(settled);
        if (this.signal.aborted && this.#running.size === 0) this.#finish();
      });
    this.#running.set(settled, name);
  }

  /** Resolves when the scope was stopped and all tasks ended; rejects with the first failure. */
  untilStopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /** Aborts and awaits all tasks. Idempotent. Failures are reported by `untilStopped`. */
  async stop(): Promise<void> {
    if (!this.signal.aborted) this.#abort.abort(new Error("stopped"));
    await Promise.all(this.#running.keys());
    this.#finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #finish(): void {
    if (this.#failure === undefined) this.#stopped.resolve();
    else this.#stopped.reject(new Error(`task ${this.#failure.task} failed`, { cause: this.#failure.error }));
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}
