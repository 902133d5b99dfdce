import type { Call } from "../../rpc/handler.ts";

/** What a service is told of a call; its signal is made only for those who ask for it. */
export class CallContext implements Call {
  readonly requireLeader: boolean;
  readonly deadlineMs: number | undefined;
  #isGone = false;
  #controller: AbortController | undefined;

  constructor(options: { readonly requireLeader: boolean; readonly deadlineMs: number | undefined }) {
    this.requireLeader = options.requireLeader;
    this.deadlineMs = options.deadlineMs;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isGone) this.#controller.abort();
    return this.#controller.signal;
  }

  /** Nobody waits for the answer any more. */
  gone(): void {
    this.#isGone = true;
    this.#controller?.abort();
  }
}
