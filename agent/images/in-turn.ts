import { deferred } from "../../base/deferred.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";

/** What is done to one thing is done one after the other, in the order of asking. */
export class InTurn {
  readonly #last = new Map<string, Promise<void>>();

  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const done = deferred<void>();
    this.#last.set(key, done.promise);
    const release = () => {
      if (this.#last.get(key) === done.promise) this.#last.delete(key);
      done.resolve();
    };
    try {
      await (signal === undefined ? before : unlessAborted(before, signal));
      return await work();
    } finally {
      // Whoever gave up its place still keeps those behind it waiting for those before it.
      before.then(release);
    }
  }
}
