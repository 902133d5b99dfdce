import type { Deadlines, Expiring } from "../base/deadlines.ts";
import { CallError } from "./client/call-error.ts";
import type { Call, UnaryAnswer, UnaryHandler } from "./rpc/handler.ts";
import { wireStatus } from "./rpc/status.ts";

/** Who hears how calls end: one of the two is called once for each, with the number that it has there, unless it was given up. */
export interface CallOwner {
  succeeded(number: number, answer: Uint8Array): void;
  failed(number: number, error: CallError): void;
}

/** What calls of one client have in common. */
export interface LocalClient {
  readonly deadlines: Deadlines;
  /** All calls that are under way; each takes its place among them. */
  readonly calls: Set<LocalCall>;
  /** Whom the client's certificate names, as a connection would show it. */
  readonly certificateName: string | undefined;
  readonly asCallError: (error: unknown) => CallError;
}

/** One request to a member in this thread. It is what the handler is told of the call and answers into: one object. */
export class LocalCall implements Call, UnaryAnswer, Expiring {
  readonly requireLeader: boolean;
  readonly deadlineMs: number;
  readonly traceparent: string | undefined;
  readonly #owner: CallOwner;
  readonly #number: number;
  readonly #client: LocalClient;
  readonly #deadline: number;
  #isSent = false;
  #isOver = false;
  #isSettled = false;
  #controller: AbortController | undefined;

  constructor(
    to: { readonly owner: CallOwner; readonly number: number },
    settings: {
      readonly requireLeader: boolean;
      readonly deadlineMs: number;
      readonly traceparent: string | undefined;
    },
    client: LocalClient,
  ) {
    this.requireLeader = settings.requireLeader;
    this.deadlineMs = settings.deadlineMs;
    this.traceparent = settings.traceparent;
    this.#owner = to.owner;
    this.#number = to.number;
    this.#client = client;
    this.#deadline = client.deadlines.add(settings.deadlineMs, this);
    client.calls.add(this);
  }

  get certificateName(): string | undefined {
    return this.#client.certificateName;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  serve(handler: UnaryHandler, request: Uint8Array): void {
    if (this.#isOver) return;
    this.#isSent = true;
    try {
      handler(request, this, this);
    } catch (error) {
      this.fail(error);
    }
  }

  succeed(answer: Uint8Array): void {
    this.#isSettled = true;
    if (this.#close()) this.#owner.succeeded(this.#number, answer);
  }

  fail(error: unknown): void {
    this.#isSettled = true;
    if (this.#close()) this.#owner.failed(this.#number, this.#client.asCallError(error));
  }

  expired(): void {
    this.end("DEADLINE_EXCEEDED", "context deadline exceeded");
  }

  /** Ends it, whatever becomes of its work. */
  end(status: CallError["status"], why: string): void {
    if (!this.#close()) return;
    this.#owner.failed(this.#number, new CallError(status, why, { sent: this.#isSent }));
    this.#controller?.abort();
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    if (this.#close()) this.#controller?.abort();
  }

  /** Made when a handler asks for it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isOver && !this.#isSettled) this.#controller.abort();
    return this.#controller.signal;
  }

  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#client.deadlines.forget(this.#deadline, this);
    this.#client.calls.delete(this);
    return true;
  }
}

/** What a service threw, as a client tells of it. */
export function asCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  const { status, message } = wireStatus(error);
  return new CallError(status, message);
}
