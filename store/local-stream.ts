import type { CallError } from "./client/call-error.ts";
import type { ClientStream, StreamHandlers } from "./client/transport.ts";
import { type Incoming, joinsParts, type Outgoing } from "./rpc/handler.ts";

/** Messages in both directions between a client and a service in one process. Neither hears of the other while it speaks
 *  itself: what is sent arrives in a turn of its own. */
export class LocalStream implements ClientStream {
  readonly #handlers: StreamHandlers;
  readonly #asCallError: (error: unknown) => Error;
  readonly #over: () => void;
  readonly #requests: Uint8Array[] = [];
  readonly #answers: Uint8Array[] = [];
  #incoming: Incoming | undefined;
  #isBusy = false;
  #isDelivering = false;
  #halfClose: "none" | "waiting" | "told" = "none";
  /** How the service ended it; told after what it sent before. */
  #ending: { readonly error: Error | undefined } | undefined;
  #isOver = false;

  /** @param over Called once, when the stream is no more. */
  constructor(handlers: StreamHandlers, asCallError: (error: unknown) => Error, over: () => void) {
    this.#handlers = handlers;
    this.#asCallError = asCallError;
    this.#over = over;
  }

  open(serve: (out: Outgoing) => Incoming): void {
    if (this.#isOver) return;
    const send = (message: Uint8Array) => {
      if (this.#isOver || this.#ending !== undefined) return true;
      this.#answers.push(message);
      this.#deliver();
      // What is sent is read in the next turn: there is always room.
      return true;
    };
    const out: Outgoing = {
      send,
      sendParts: joinsParts(send),
      end: (error) => this.end(error),
    };
    try {
      this.#incoming = serve(out);
    } catch (error) {
      this.end(error);
      return;
    }
    if (this.#isOver) this.#incoming.closed();
    else this.#work();
  }

  send(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#requests.push(bytes);
    queueMicrotask(() => this.#work());
  }

  halfClose(): void {
    if (this.#halfClose === "none") this.#halfClose = "waiting";
    queueMicrotask(() => this.#work());
  }

  cancel(): void {
    this.#finish();
  }

  end(error?: unknown): void {
    if (this.#isOver) return;
    this.#ending ??= { error: error === undefined ? undefined : this.#asCallError(error) };
    this.#deliver();
  }

  /** A message reaches the service when it has dealt with the one before. */
  #work(): void {
    const incoming = this.#incoming;
    if (incoming === undefined) return;
    try {
      while (!this.#isOver && !this.#isBusy && this.#ending === undefined) {
        const message = this.#requests.shift();
        if (message === undefined) break;
        const working = incoming.message(message);
        if (working === undefined) continue;
        this.#isBusy = true;
        working.then(
          () => {
            this.#isBusy = false;
            this.#work();
          },
          (error: unknown) => this.end(error),
        );
      }
      if (this.#isOver || this.#isBusy || this.#requests.length > 0 || this.#halfClose !== "waiting") return;
      this.#halfClose = "told";
      incoming.halfClose();
    } catch (error) {
      this.end(error);
    }
  }

  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    queueMicrotask(() => {
      this.#isDelivering = false;
      for (let message = this.#answers.shift(); message !== undefined; message = this.#answers.shift()) {
        if (this.#isOver) return;
        this.#handlers.message(message);
      }
      const ending = this.#ending;
      if (ending === undefined || this.#isOver) return;
      this.#finish();
      this.#handlers.end(ending.error as CallError | undefined);
    });
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#requests.length = 0;
    this.#answers.length = 0;
    this.#over();
    this.#incoming?.closed();
  }
}
