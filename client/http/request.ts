import type { Duplex } from "node:stream";
import { ConnectionError } from "../api-error.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sending it twice does no harm: another server may be tried although the first may have acted. */
  readonly idempotent: boolean;
  /** Its answer goes on for as long as somebody listens. */
  readonly lasting?: true;
  /** Until the answer's headers; the body is the caller's to bound. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface BodyLimits {
  readonly lengthBytesMost: number;
  readonly timeoutMs: number;
}

/** An answer whose headers came. Its body is read once: as a whole, or piece by piece, which holds the server back. Where it is
 *  cut off before its end, or nobody wants it any more, reading throws. */
export interface HttpAnswer extends AsyncIterable<Uint8Array> {
  readonly statusCode: number;
  /** The header of that name. */
  readonly retryAfter: string | undefined;
  /** Likewise; several are joined by commas. */
  readonly warning: string | undefined;
  /** All of it. More than `lengthBytesMost` is refused with RangeError; a cut or late body rejects with ConnectionError. */
  text(limits: BodyLimits): Promise<string>;
  /** Nobody reads on. */
  destroy(): void;
}

/** One way to speak to a server. */
export interface HttpWay {
  /** Rejects with ConnectionError, or the signal's reason. `headers` include what says who asks. */
  send(request: HttpRequest, headers: RequestHeaders): Promise<HttpAnswer>;
  /** A connection of its own, for what leaves HTTP; absent: one is made to the server's address. */
  connect?(): Duplex;
  /** Whatever is under way fails: the server does not answer any more. */
  giveUp(): void;
  close(): void;
}

/** A list stands for as many headers of the name. */
export type RequestHeaders = Readonly<Record<string, string | number | readonly string[]>>;

export const transportLimits = {
  connectMs: 5_000,
  /** Longer than most loops' periods, since a TLS handshake costs more than a request. Shorter than our servers' 120 s,
   *  so that we never write into a closing connection; a server that announces less (Keep-Alive) is held to that. */
  idleSocketMs: 90_000,
  keepAliveProbeMs: 15_000,
  /** How long connections of earlier credentials stay: a request's time. */
  retiredMs: 30_000,
  /** By HTTP/1.1, connections for requests that are answered at once: more requests than these wait their turn, since a TLS
   *  handshake costs the server more than several requests. */
  socketsPerServerMost: 32,
  /** By HTTP/1.1, connections for answers that last. */
  lastingPerServerMost: 256,
  /** By HTTP/2, answers that last on one connection, and connections for them; more share these. */
  lastingPerConnectionMost: 64,
  lastingConnectionsMost: 16,
} as const;

/** A server did not answer in time. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

export const tooLarge = (lengthBytesMost: number): RangeError =>
  new RangeError(`the server's answer is larger than ${lengthBytesMost} bytes`);
export const cutOff = (cause: unknown): ConnectionError =>
  new ConnectionError("the answer was cut off", { neverSent: false, cause });
