import { type ClientRequest, headerValues } from "./client-request.ts";
import { cookieOf } from "./conditions.ts";
import { type EndpointPool, endpointToken } from "./endpoint-pool.ts";
import type { CookieAffinity, Endpoint, WeightedBackend } from "./route.ts";

export interface StickyParts {
  readonly backends: readonly WeightedBackend[];
  readonly pool: EndpointPool;
  readonly nowMs: number;
}

/** Keeps a client with an endpoint by a cookie (`affinity: cookie`, `sessionPersistence`). */
export class StickyClient {
  readonly #affinity: CookieAffinity;
  /** Where the client was before, if that is still there: which of the backends, and its endpoint. */
  readonly before: { readonly backend: WeightedBackend; readonly endpoint: Endpoint } | undefined;

  /** @param backends Those that the client may be led to. */
  constructor(affinity: CookieAffinity, request: ClientRequest, { backends, pool, nowMs }: StickyParts) {
    this.#affinity = affinity;
    const value = cookieOf(headerValues(request, "cookie").join(";"), affinity.cookie);
    const token = value === undefined ? undefined : tokenIn(value, affinity.absoluteSeconds, nowMs);
    if (token === undefined) return;
    for (const one of backends) {
      const endpoint =
        one.backend !== undefined && one.weight > 0 ? pool.byToken(one.backend, token) : undefined;
      if (endpoint === undefined) continue;
      this.before = { backend: one, endpoint };
      return;
    }
  }

  get endpoint(): Endpoint | undefined {
    return this.before?.endpoint;
  }

  /** What tells the client to come back to this endpoint; undefined where it knows, or keeps to one that failed. */
  cookieFor(backend: string, endpoint: Endpoint, nowMs: number, isTls: boolean): string | undefined {
    const { cookie, path, domain, maxAgeSeconds, expiresSeconds, sameSite, secure, changesOnFailure } =
      this.#affinity;
    if (endpoint === this.endpoint) return undefined;
    if (this.endpoint !== undefined && !changesOnFailure) return undefined;
    const token = endpointToken(backend, endpoint);
    const isTimed = this.#affinity.absoluteSeconds !== undefined;
    const value = isTimed ? `${token}.${Math.floor(nowMs / 1000).toString(36)}` : token;
    const parts = [`${cookie}=${value}`, `Path=${path}`];
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

/** Undefined for one that has had its time, or was never given. */
function tokenIn(value: string, absoluteSeconds: number | undefined, nowMs: number): string | undefined {
  if (absoluteSeconds === undefined) return value;
  const [, token, since] = /^([0-9a-f]+)\.([0-9a-z]{1,10})$/.exec(value) ?? [];
  if (token === undefined || since === undefined) return undefined;
  const ageSeconds = nowMs / 1000 - Number.parseInt(since, 36);
  return ageSeconds >= -1 && ageSeconds < absoluteSeconds ? token : undefined;
}
