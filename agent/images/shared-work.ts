import { unlessAborted } from "../../base/unless-aborted.ts";

interface Running<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiters: number;
}

/** Work that several wait for. One who leaves ends its own wait alone; the work is aborted when the last has left. */
export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>();

  /** Joins the work of that key, or begins it. */
  async join(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const running = this.#running.get(key) ?? this.#begin(key, work);
    running.waiters++;
    try {
      return await unlessAborted(running.result, signal);
    } finally {
      if (--running.waiters === 0) {
        this.#end(key, running);
        running.stop.abort(new Error("nobody waits for it any more"));
      }
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Running<T> {
    const stop = new AbortController();
    const running: Running<T> = { result: work(stop.signal), stop, waiters: 0 };
    this.#running.set(key, running);
    const onEnd = () => this.#end(key, running);
    running.result.then(onEnd, onEnd);
    return running;
  }

  /** Whoever comes now begins anew. */
  #end(key: string, running: Running<T>): void {
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}
