import type { Clock } from "../base/os/clock.ts";
import { tellEach } from "../base/tell-each.ts";
import { CallError } from "./client/call-error.ts";
import type { Endpoint } from "./client/endpoints.ts";
import type { CallSettings, ClientStream, ClientTransport, StreamHandlers } from "./client/transport.ts";
import { LocalStream } from "./local-stream.ts";
import type { Handlers } from "./rpc/handler.ts";
import { answerOf } from "./rpc/promised-answer.ts";
import { wireStatus } from "./rpc/status.ts";

/** A member in this process, for clients beside it. */
export interface LocalMember {
  readonly handlers: Handlers;
  /** Resolves when clients are served. */
  readonly ready: Promise<void>;
  /** Settles when it has ended. */
  readonly done: Promise<void>;
}

/** A client's calls to a member in the same thread, whatever their endpoint: messages are handed over, without frames, sockets
 *  or copies. All else that a client knows of a member holds: its services' own order, deadlines, errors, and streams that end
 *  with it. */
export class LocalTransport implements ClientTransport {
  readonly #member: LocalMember;
  readonly #clock: Clock;
  readonly #streams = new Set<LocalStream>();
  #isReady = false;
  #ended = "";

  constructor(member: LocalMember, clock: Clock) {
    this.#member = member;
    this.#clock = clock;
    const ends = () => this.#end("the member in this process has stopped");
    member.done.then(ends, ends);
    void member.ready.then(() => {
      this.#isReady = true;
    });
  }

  unary(
    _endpoint: Endpoint,
    path: string,
    request: Uint8Array,
    settings: CallSettings & { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs, requireLeader } = settings;
      if (signal?.aborted) return reject(signal.reason);
      let sent = false;
      const clock = this.#clock;
      const over = () => {
        cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      const fail = (error: unknown) => {
        over();
        reject(error);
      };
      const onAbort = () => fail(signal?.reason);
      const cancel = clock.after(timeoutMs, () =>
        fail(new CallError("DEADLINE_EXCEEDED", "context deadline exceeded", { sent })),
      );
      signal?.addEventListener("abort", onAbort, { once: true });
      const serve = () => {
        const handler = this.#member.handlers.unary.get(path);
        if (this.#ended !== "") throw this.#gone();
        if (handler === undefined) throw new CallError("UNIMPLEMENTED", `unknown method ${path}`);
        sent = true;
        const deadlineMs = clock.monotonicMs() + timeoutMs;
        return answerOf(handler, request, { requireLeader, deadlineMs, ...(signal && { signal }) });
      };
      // Begun in a turn of its own: whoever calls has gone on by then, as with an answer that comes from afar.
      const serving = this.#isReady ? Promise.resolve().then(serve) : this.#member.ready.then(serve);
      serving.then(
        (answer) => {
          over();
          resolve(answer);
        },
        (error: unknown) => fail(asCallError(error)),
      );
    });
  }

  stream(_endpoint: Endpoint, path: string, settings: CallSettings, handlers: StreamHandlers): ClientStream {
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
      stream.open((out) => entry.handler(out, { requireLeader: settings.requireLeader }));
    };
    if (settings.signal?.aborted) stream.cancel();
    else void this.#member.ready.then(open);
    return stream;
  }

  close(): void {
    this.#end("Channel has been shut down");
  }

  #gone(): CallError {
    return new CallError("UNAVAILABLE", this.#ended, { sent: false });
  }

  #end(why: string): void {
    if (this.#ended !== "") return;
    this.#ended = why;
    tellEach([...this.#streams], (stream) => stream.end(this.#gone()));
  }
}

function asCallError(error: unknown): Error {
  if (error instanceof CallError) return error;
  const { status, message } = wireStatus(error);
  return new CallError(status, message);
}
