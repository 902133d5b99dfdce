import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AnswerHead } from "./answer-parser.ts";
import type { Endpoint, ForwardSettings } from "./route.ts";

/** The way to one endpoint, by whichever protocol it speaks. */
export interface Upstream {
  /** @throws Where the head cannot be said in its protocol. */
  send(endpoint: Endpoint, head: UpstreamHead, events: UpstreamEvents): UpstreamExchange;
  close(): void;
}

export interface UpstreamHead {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Names in lower case and values by turns; those that frame the body are not among them. */
  readonly headers: readonly string[];
  readonly hasBody: boolean;
  readonly bodyBytes: number | undefined;
  readonly settings: ForwardSettings;
}

/** Why there is no answer, or no whole one. */
export interface UpstreamFailure {
  readonly kind: "connect" | "connectTimeout" | "timeout" | "broken" | "invalid";
  readonly error: Error;
  /** The connection had served before and may have been closed under the request. */
  readonly wasReused: boolean;
}

/** Told in this order; after `ended` and `failed` nothing comes. */
export interface UpstreamEvents {
  /** The endpoint is there: from now on a body may be written. */
  connected(): void;
  answered(head: AnswerHead): void;
  /** A piece of the body, only lent. False: no more before `resume`. */
  data(bytes: Buffer): boolean;
  /** No more of the answer is at hand. */
  paused(): void;
  /** The answer is whole; what stands behind its body, by turns. */
  ended(trailers: readonly string[]): void;
  /** There is room for more of the request's body. */
  drained(): void;
  failed(failure: UpstreamFailure): void;
}

/** What a change of protocols tells besides. */
export interface UpgradeEvents extends UpstreamEvents {
  /** The endpoint speaks the protocol that was asked for, or another one. */
  upgraded(response: IncomingMessage, socket: Duplex, first: Buffer): void;
}

export interface UpstreamExchange {
  /** False: better wait for `drained`. */
  write(bytes: Buffer): boolean;
  end(): void;
  /** More of the answer may come. */
  resume(): void;
  /** Nothing is told any more. */
  destroy(): void;
}
