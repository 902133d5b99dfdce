import type { Socket } from "node:net";
import type { Writable } from "node:stream";

export type HeaderValue = number | string | readonly string[];

/** An answer as Node's servers of HTTP/1.1 hand it out (`ServerResponse`), as far as both protocols have it. */
export interface HttpResponse extends Writable {
  statusCode: number;
  /** HTTP/2 has none. */
  statusMessage: string;
  readonly headersSent: boolean;
  /** False: the connection serves nothing after what it has begun to serve. */
  shouldKeepAlive: boolean;
  readonly socket: Socket | null;
  setHeader(name: string, value: HeaderValue): this;
  getHeader(name: string): number | string | string[] | undefined;
  hasHeader(name: string): boolean;
  removeHeader(name: string): void;
  appendHeader(name: string, value: string | string[]): this;
  /** @param headers By name, or names and values by turns, of which one may come twice. */
  writeHead(code: number, headers?: Readonly<Record<string, number | string>> | string[]): this;
  flushHeaders(): void;
  /** Headers that come behind the body, in place of those named before. */
  addTrailers(headers: readonly [string, string][]): void;
}
