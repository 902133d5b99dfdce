import { type Deferred, deferred } from "../../../base/deferred.ts";

/** Pieces of a snapshot that wait to be installed; beyond it the socket is paused. */
const waitingMax = 16;

/** Pieces of a snapshot as they come in. Whether they are what was sent the state itself can tell. */
export class SnapshotReceiver implements AsyncIterable<Uint8Array> {
  readonly #waiting: Uint8Array[] = [];
  readonly #pause: () => void;
  readonly #resume: () => void;
  #end: { readonly error?: Error } | undefined;
  #wake: Deferred<void> | undefined;

  constructor(flow: { readonly pause: () => void; readonly resume: () => void }) {
    this.#pause = flow.pause;
    this.#resume = flow.resume;
  }

  chunk(payload: Buffer): void {
    if (this.#end !== undefined) return; // nobody waits for it any more
    this.#waiting.push(Buffer.from(payload));
    if (this.#waiting.length >= waitingMax) this.#pause();
    this.#wake?.resolve();
  }

  finish(): void {
    this.#end ??= {};
    this.#wake?.resolve();
  }

  /** Ends it, unless it has ended; what still comes is let pass. */
  fail(error: Error): void {
    this.#end ??= { error };
    this.#wake?.resolve();
    this.#resume();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        if (this.#waiting.length === 0) this.#resume();
        yield chunk;
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else {
        this.#wake = deferred();
        await this.#wake.promise;
      }
    }
  }
}
