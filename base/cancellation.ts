/** Tells whoever works on something that nobody waits for it any more, and why. An AbortController whose signal is made when
 *  somebody first asks for it: most of what can be cancelled ends before anybody listens, and a signal takes longer to make
 *  than all else here. */
export class Cancellation {
  #controller: AbortController | undefined;
  #isCancelled = false;
  #reason: unknown;

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Why; undefined while it is not cancelled. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Aborts when this is cancelled; always the same one. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isCancelled) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Once; later calls change nothing. */
  cancel(reason: Error): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
