import type { IncomingMessage } from "node:http";
import type { Duplex, Readable } from "node:stream";
import type { Endpoint, ForwardSettings } from "./route.ts";

/** The way to one endpoint, by whichever protocol it speaks. */
export interface Upstream {
  send(endpoint: Endpoint, head: UpstreamHead, events: UpstreamEvents): UpstreamExchange;
  close(): void;
}

export interface UpstreamHead {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Names and values by turns; those that frame the body are not among them. */
  readonly headers: readonly string[];
  readonly hasBody: boolean;
  readonly bodyBytes: number | undefined;
  /** The protocol that the connection is to change to. */
  readonly upgrade: string | undefined;
  readonly settings: ForwardSettings;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly body: Readable;
  /** Known once the body has ended. */
  readonly trailers: () => readonly string[];
}

/** Why there is no answer, or no whole one. */
export interface UpstreamFailure {
  readonly kind: "connect" | "connectTimeout" | "timeout" | "broken" | "invalid";
  readonly error: Error;
  /** The connection had served before and may have been closed under the request. */
  readonly wasReused: boolean;
}

/** Told in this order; after `failed` nothing comes. */
export interface UpstreamEvents {
  /** The endpoint is there: from now on a body may be written. */
  connected(): void;
  answered(answer: UpstreamAnswer): void;
  /** It speaks the protocol that was asked for. */
  upgraded?(response: IncomingMessage, socket: Duplex, head: Buffer): void;
  drained(): void;
  failed(failure: UpstreamFailure): void;
}

export interface UpstreamExchange {
  /** False: better wait for `drained`. */
  write(bytes: Buffer): boolean;
  end(): void;
  destroy(): void;
}
