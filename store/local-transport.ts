import { Deadlines } from "../base/deadlines.ts";
import { deferred } from "../base/deferred.ts";
import type { Clock } from "../base/os/clock.ts";
import { tellEach } from "../base/tell-each.ts";
import { activeTraceparent } from "../base/tracing/active-span.ts";
import { CallError } from "./client/call-error.ts";
import type { Endpoint } from "./client/endpoints.ts";
import type { CallSettings, ClientStream, ClientTransport, StreamHandlers } from "./client/transport.ts";
import { StoreError } from "./errors.ts";
import { asCallError, type CallOwner, LocalCall, type LocalClient } from "./local-call.ts";
import { LocalStream } from "./local-stream.ts";
import type { Handlers } from "./rpc/handler.ts";

/** A member in this process, for clients beside it. */
export interface LocalMember {
  readonly handlers: Handlers;
  /** Resolves when clients are served. */
  readonly ready: Promise<void>;
  /** Settles when it has ended. */
  readonly done: Promise<void>;
}

export interface LocalSettings {
  /** Whom the client's certificate names, which says who asks where certificates do. */
  readonly certificateName?: string | undefined;
  /** Called when authentication is on and a call does not say who asks. */
  readonly onNobody?: () => void;
}

/** A client's calls to a member in the same thread, whatever their endpoint: messages are handed over, without frames, sockets
 *  or copies. All else that a client knows of a member holds: its services' own order, deadlines, errors, and streams that end
 *  with it. */
export class LocalTransport implements ClientTransport {
  readonly #member: LocalMember;
  readonly #clock: Clock;
  readonly #client: LocalClient;
  readonly #streams = new Set<LocalStream>();
  /** Clients are served, or never will be. */
  readonly #decided = deferred<void>();
  #isDecided = false;
  #ended = "";

  constructor(member: LocalMember, clock: Clock, { certificateName, onNobody }: LocalSettings = {}) {
    this.#member = member;
    this.#clock = clock;
    this.#client = {
      deadlines: new Deadlines(clock),
      calls: new Set(),
      certificateName,
      asCallError(error) {
        if (error instanceof StoreError && error.code === "USER_EMPTY") onNobody?.();
        return asCallError(error);
      },
    };
    const ends = () => this.#end("the member in this process has stopped");
    member.done.then(ends, ends);
    void member.ready.then(() => this.#decide());
  }

  unary(
    _endpoint: Endpoint,
    path: string,
    request: Uint8Array,
    settings: CallSettings & { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { signal } = settings;
      if (signal?.aborted) return reject(signal.reason);
      const waiting = new Waiting(resolve, reject, signal);
      const call = this.#newCall({ owner: waiting, number: 0 }, settings, activeTraceparent());
      waiting.waitFor(call);
      // Begun in a turn of its own: whoever calls has gone on by then, as with an answer that comes from afar.
      if (this.#isDecided) queueMicrotask(() => this.#serve(call, path, request));
      else void this.#decided.promise.then(() => this.#serve(call, path, request));
    });
  }

  /** The same for who hears of many calls. It may be over when this returns. */
  call(
    to: { readonly owner: CallOwner; readonly number: number },
    asked: { readonly path: string; readonly request: Uint8Array },
    settings: {
      readonly requireLeader: boolean;
      readonly timeoutMs: number;
      readonly traceparent: string | undefined;
    },
  ): LocalCall {
    const call = this.#newCall(to, settings, settings.traceparent);
    if (this.#isDecided) this.#serve(call, asked.path, asked.request);
    else void this.#decided.promise.then(() => this.#serve(call, asked.path, asked.request));
    return call;
  }

  stream(_endpoint: Endpoint, path: string, settings: CallSettings, handlers: StreamHandlers): ClientStream {
    const { certificateName, asCallError } = this.#client;
    const stream = new LocalStream(handlers, asCallError, () => {
      this.#streams.delete(stream);
      settings.signal?.removeEventListener("abort", cancel);
    });
    const cancel = () => stream.cancel();
    settings.signal?.addEventListener("abort", cancel, { once: true });
    this.#streams.add(stream);
    const open = () => {
      const entry = this.#member.handlers.streams.get(path);
      if (this.#ended !== "") return stream.end(this.#gone());
      if (entry === undefined) return stream.end(new CallError("UNIMPLEMENTED", `unknown method ${path}`));
      stream.open((out) => entry.handler(out, { requireLeader: settings.requireLeader, certificateName }));
    };
    if (settings.signal?.aborted) stream.cancel();
    else void this.#decided.promise.then(open);
    return stream;
  }

  close(): void {
    this.#end("Channel has been shut down");
  }

  #newCall(
    to: { readonly owner: CallOwner; readonly number: number },
    { requireLeader, timeoutMs }: { readonly requireLeader: boolean; readonly timeoutMs: number },
    traceparent: string | undefined,
  ): LocalCall {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
    return new LocalCall(to, { requireLeader, deadlineMs, traceparent }, this.#client);
  }

  #serve(call: LocalCall, path: string, request: Uint8Array): void {
    const handler = this.#member.handlers.unary.get(path);
    if (this.#ended !== "") call.end("UNAVAILABLE", this.#ended);
    else if (handler === undefined) call.end("UNIMPLEMENTED", `unknown method ${path}`);
    else call.serve(handler, request);
  }

  #gone(): CallError {
    return new CallError("UNAVAILABLE", this.#ended, { sent: false });
  }

  #decide(): void {
    this.#isDecided = true;
    this.#decided.resolve();
  }

  #end(why: string): void {
    if (this.#ended !== "") return;
    this.#ended = why;
    this.#decide();
    try {
      tellEach([...this.#client.calls], (call) => call.end("UNAVAILABLE", why));
    } finally {
      this.#client.deadlines.stop();
      tellEach([...this.#streams], (stream) => stream.end(this.#gone()));
    }
  }
}

/** Who waits for one call. */
class Waiting implements CallOwner {
  readonly #resolve: (answer: Uint8Array) => void;
  readonly #reject: (error: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  #call: LocalCall | undefined;

  constructor(
    resolve: (answer: Uint8Array) => void,
    reject: (error: unknown) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
  }

  waitFor(call: LocalCall): void {
    this.#call = call;
    this.#signal?.addEventListener("abort", this, { once: true });
  }

  succeeded(_: number, answer: Uint8Array): void {
    this.#signal?.removeEventListener("abort", this);
    this.#resolve(answer);
  }

  failed(_: number, error: CallError): void {
    this.#signal?.removeEventListener("abort", this);
    this.#reject(error);
  }

  /** The signal aborted. */
  handleEvent(): void {
    this.#call?.giveUp();
    this.#reject(this.#signal?.reason);
  }
}
