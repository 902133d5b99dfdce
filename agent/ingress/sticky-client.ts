import { type ClientRequest, headerValues } from "./client-request.ts";
import { cookieOf } from "./conditions.ts";
import { type EndpointPool, endpointToken } from "./endpoint-pool.ts";
import type { CookieAffinity, Endpoint } from "./route.ts";

/** Keeps a client with an endpoint by a cookie (`affinity: cookie`). */
export class StickyClient {
  readonly #affinity: CookieAffinity;
  readonly #backend: string;
  readonly #token: string | undefined;
  /** Where the client was before, if that is still there. */
  readonly endpoint: Endpoint | undefined;

  constructor(affinity: CookieAffinity, request: ClientRequest, backend: string, pool: EndpointPool) {
    this.#affinity = affinity;
    this.#backend = backend;
    this.#token = cookieOf(headerValues(request, "cookie").join(";"), affinity.cookie);
    this.endpoint = this.#token === undefined ? undefined : pool.byToken(backend, this.#token);
  }

  /** What tells the client to come back to this endpoint; undefined where it knows, or keeps to one that failed. */
  cookieFor(endpoint: Endpoint, nowMs: number, isTls: boolean): string | undefined {
    const { cookie, path, domain, maxAgeSeconds, expiresSeconds, sameSite, secure, changesOnFailure } =
      this.#affinity;
    if (endpoint === this.endpoint) return undefined;
    if (this.endpoint !== undefined && !changesOnFailure) return undefined;
    const parts = [`${cookie}=${endpointToken(this.#backend, endpoint)}`, `Path=${path}`];
    if (domain !== undefined) parts.push(`Domain=${domain}`);
    if (maxAgeSeconds !== undefined) parts.push(`Max-Age=${maxAgeSeconds}`);
    if (expiresSeconds !== undefined)
      parts.push(`Expires=${new Date(nowMs + expiresSeconds * 1000).toUTCString()}`);
    if (secure ?? isTls) parts.push("Secure");
    parts.push("HttpOnly");
    if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`);
    return parts.join("; ");
  }
}
