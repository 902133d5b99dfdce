import type { MessagePort } from "node:worker_threads";
import { tellEach } from "../../base/tell-each.ts";
import { activeTraceparent } from "../../base/tracing/active-span.ts";
import { CallError } from "../client/call-error.ts";
import { addressesOf, type Endpoint } from "../client/endpoints.ts";
import type { CallSettings, ClientStream, ClientTransport, StreamHandlers } from "../client/transport.ts";
import { Outbox } from "./outbox.ts";
import { errorOf, methodNumber, type Packet, packet, unpacked } from "./packets.ts";

/** A member in another thread of this process, for clients beside it. */
export interface ThreadMember {
  /** To `servePort` there; the transport closes it. */
  readonly port: MessagePort;
  /** Where others reach it. */
  readonly clientUrls: readonly string[];
  /** Settles when it has ended. */
  readonly done: Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** A client's calls to a member in another thread. Deadlines, the wait for a member that starts, and errors are those of the
 *  `LocalTransport` there; here is only who waits for what. */
export class ThreadTransport implements ClientTransport {
  readonly #remote: ClientTransport;
  readonly #addresses: ReadonlySet<string>;
  readonly #port: MessagePort;
  readonly #outbox: Outbox;
  readonly #calls = new Map<number, Waiting>();
  readonly #streams = new Map<number, StreamHandlers>();
  #lastCall = 0;
  #ended = "";

  /** @param remote To the other members. */
  constructor(member: ThreadMember, remote: ClientTransport) {
    this.#remote = remote;
    this.#addresses = addressesOf(member.clientUrls);
    this.#port = member.port;
    this.#outbox = new Outbox(member.port);
    member.port.on("message", (buffer: ArrayBuffer) => {
      for (const packet of unpacked(buffer)) this.#take(packet);
    });
    const ends = () => this.#end("the member in this process has stopped");
    member.done.then(ends, ends);
  }

  unary(
    endpoint: Endpoint,
    path: string,
    request: Uint8Array,
    settings: CallSettings & { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    if (!this.#addresses.has(endpoint.address)) return this.#remote.unary(endpoint, path, request, settings);
    const { signal, timeoutMs, requireLeader } = settings;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#ended !== "") return reject(this.#gone(false));
      const method = methodNumber(path);
      if (method === undefined) return reject(new CallError("UNIMPLEMENTED", `unknown method ${path}`));
      const call = this.#nextCall();
      this.#calls.set(
        call,
        signal ? this.#abortable(call, signal, { resolve, reject }) : { resolve, reject },
      );
      const traceparent = activeTraceparent();
      this.#outbox.post({
        kind: "unary",
        call,
        method,
        timeoutMs,
        requireLeader,
        traceparent,
        body: request,
      });
    });
  }

  stream(endpoint: Endpoint, path: string, settings: CallSettings, handlers: StreamHandlers): ClientStream {
    if (!this.#addresses.has(endpoint.address))
      return this.#remote.stream(endpoint, path, settings, handlers);
    const { signal, requireLeader } = settings;
    const call = this.#nextCall();
    const over = () => signal?.removeEventListener("abort", cancel);
    const post = (kind: "send" | "halfClose" | "cancel", body?: Uint8Array) => {
      if (this.#streams.has(call)) this.#outbox.post(packet(kind, call, body));
    };
    const cancel = () => {
      over();
      post("cancel");
      this.#streams.delete(call);
    };
    const end = (error: CallError | undefined) => {
      over();
      handlers.end(error);
    };
    const method = methodNumber(path);
    if (this.#ended !== "" || method === undefined) {
      const failure =
        method === undefined ? new CallError("UNIMPLEMENTED", `unknown method ${path}`) : this.#gone(false);
      // As with a stream that somebody else ends: whoever opens it has gone on by then.
      queueMicrotask(() => end(failure));
    } else if (!signal?.aborted) {
      signal?.addEventListener("abort", cancel, { once: true });
      this.#streams.set(call, { message: handlers.message.bind(handlers), end });
      this.#outbox.post({ ...packet("open", call), method, requireLeader });
    }
    return { send: (bytes) => post("send", bytes), halfClose: () => post("halfClose"), cancel };
  }

  close(): void {
    this.#end("Channel has been shut down");
    this.#port.close();
    this.#remote.close();
  }

  #nextCall(): number {
    do this.#lastCall = (this.#lastCall + 1) >>> 0;
    while (this.#calls.has(this.#lastCall) || this.#streams.has(this.#lastCall));
    return this.#lastCall;
  }

  /** Rejects at once when the signal aborts, and the member stops working for it. */
  #abortable(call: number, signal: AbortSignal, { resolve, reject }: Waiting): Waiting {
    const onAbort = () => {
      this.#calls.delete(call);
      this.#outbox.post(packet("cancel", call));
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const over = () => signal.removeEventListener("abort", onAbort);
    return {
      resolve: (answer) => {
        over();
        resolve(answer);
      },
      reject: (error) => {
        over();
        reject(error);
      },
    };
  }

  #take({ kind, call, body }: Packet): void {
    if (kind === "message") {
      // What a stream is told may be kept for long; it does not keep what came with it.
      this.#streams.get(call)?.message(Uint8Array.prototype.slice.call(body));
      return;
    }
    const waiting = this.#calls.get(call);
    const stream = this.#streams.get(call);
    this.#calls.delete(call);
    this.#streams.delete(call);
    if (kind === "answer") {
      waiting?.resolve(body);
      return;
    }
    const failure = kind === "failure" ? errorOf(body) : undefined;
    waiting?.reject(failure);
    stream?.end(failure);
  }

  #gone(sent: boolean): CallError {
    return new CallError("UNAVAILABLE", this.#ended, { sent });
  }

  #end(why: string): void {
    if (this.#ended !== "") return;
    this.#ended = why;
    const failure = this.#gone(true);
    for (const { reject } of this.#calls.values()) reject(failure);
    this.#calls.clear();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    tellEach(streams, ({ end }) => end(failure));
  }
}
