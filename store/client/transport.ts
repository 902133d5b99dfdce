import type { CallError } from "./call-error.ts";
import type { Endpoint } from "./endpoints.ts";

/** Carries bytes to a member and back. Every failure is a `CallError`. */
export interface ClientTransport {
  /** One request, one answer. */
  unary(
    endpoint: Endpoint,
    path: string,
    request: Uint8Array,
    settings: CallSettings & { readonly timeoutMs: number; readonly connectWithinMs?: number },
  ): Promise<Uint8Array>;
  /** Opens a stream; for a server stream send the one request and half-close. */
  stream(endpoint: Endpoint, path: string, settings: CallSettings, handlers: StreamHandlers): ClientStream;
  /** A server has said within a stream that what it logged in with counts no more. */
  loginRefused?(): void;
  close(): void;
}

export interface CallSettings {
  readonly signal?: AbortSignal | undefined;
  /** The member refuses (or ends the stream) when it knows no leader: metadata `hasleader: true`. */
  readonly requireLeader: boolean;
  /** Says who asks; absent: nobody does, or the connection's certificate. */
  readonly token?: string | undefined;
}

export interface StreamHandlers {
  message(bytes: Uint8Array): void;
  /** Called once, last; without an error the server ended the stream in good order. */
  end(error: CallError | undefined): void;
}

export interface ClientStream {
  send(bytes: Uint8Array): void;
  halfClose(): void;
  /** Ends the stream at once; `end` is not called any more. */
  cancel(): void;
}
