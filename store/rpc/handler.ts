/** The seam between services and whatever carries them: bytes in, bytes out, method paths as keys. A transport maps thrown
 *  `StoreError`s to gRPC statuses (`status.ts`) and everything else to UNKNOWN or INTERNAL. */
export interface Call {
  /** Metadata `hasleader: true`. */
  readonly requireLeader: boolean;
  /** What says who asks, as it came: the metadata `token`, else `authorization`. */
  readonly token?: string | undefined;
  /** Which span of which trace asks: the metadata `traceparent`. */
  readonly traceparent?: string | undefined;
  /** The common name in the certificate that its client has shown. */
  readonly certificateName?: string | undefined;
  /** Asked by the member itself, as root. */
  readonly isOwn?: true;
  /** When the client gives up, by the monotonic clock; its own clock is what ends the call. Absent: whenever it likes. */
  readonly deadlineMs?: number | undefined;
  /** To be called once it is known that the request can be read, and is none of those that a learner refuses: etcd counts a
   *  client's requests there, whatever they are answered. Absent where nobody counts. */
  accepted?(): void;
  /** Milliseconds since the request came in. Absent where it came from this process: reads measure themselves then. */
  tookMs?(): number;
  /** Aborted once nobody waits for the answer any more. Absent where a transport cannot tell. */
  readonly signal?: AbortSignal;
  /** To be asked right before a read is worked out: there is room for its answer beside those that the client has not taken
   *  yet. Undefined: at once. Rejects once nobody waits for the answer. Absent where nothing is kept for clients. */
  roomForAnswer?(): Promise<void> | undefined;
  /** The same for a read that turns out to be large, in place of the room that it had; nothing of it may be kept meanwhile. */
  roomForLargeAnswer?(): Promise<void>;
}

/** Where the answer to one request goes: one of these is called, once, at once or later. Neither throws. */
export interface UnaryAnswer {
  succeed(answer: Uint8Array): void;
  fail(error: unknown): void;
}

/** To throw is to fail, with what is thrown, in place of calling `out`. The request's bytes stay as they are for as long as
 *  anybody keeps them: what is read of them are views. */
export type UnaryHandler = (request: Uint8Array, call: Call, out: UnaryAnswer) => void;

/** What a service sends into. Nothing happens after `end`, nor once the client went away. */
export interface Outgoing {
  /** False: the client reads slower than this; better wait for `drained`. Nothing is lost either way. */
  send(message: Uint8Array): boolean;
  /** The same for a message that is the two parts one after the other. They may be parts of other messages as well. */
  sendParts(head: Uint8Array, rest: Uint8Array): boolean;
  /** Ends the stream; without an error in good order. */
  end(error?: Error): void;
}

/** `sendParts` of what takes whole messages only. */
export const joinsParts =
  (send: Outgoing["send"]): Outgoing["sendParts"] =>
  (head, rest) =>
    send(Buffer.concat([head, rest]));

/** What a transport tells the service. */
export interface Incoming {
  /** The next message comes when this one is dealt with, and not while the client does not read what it is sent. A
   *  rejection ends the stream. */
  message(bytes: Uint8Array): void | Promise<void>;
  /** The client sends no more. */
  halfClose(): void;
  /** `send` answered false and there is room again. */
  drained(): void;
  /** The stream is over, whoever ended it. Called exactly once, last. */
  closed(): void;
}

export type StreamHandler = (out: Outgoing, call: Call) => Incoming;

export interface Handlers {
  readonly unary: ReadonlyMap<string, UnaryHandler>;
  /** Both bidirectional streams and server streams (one message, then `halfClose`). */
  readonly streams: ReadonlyMap<
    string,
    { readonly handler: StreamHandler; readonly kind: "serverStream" | "bidiStream" }
  >;
}
