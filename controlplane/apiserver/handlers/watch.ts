import type { ServerResponse } from "node:http";
import { below } from "../../../base/os/random.ts";
import { type ApiError, expired } from "../api-error.ts";
import type { KindCache } from "../cache/kind-cache.ts";
import { type Scope, WatchCursor } from "../cache/watch-cursor.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { type ListOptions, listOptions, scopeOf } from "./list-options.ts";
import { WatchEncoder } from "./watch-encoder.ts";
import { WatchStream } from "./watch-stream.ts";

/** A watch without a time limit of its own lasts between one and two times this (Kubernetes' min-request-timeout). */
const defaultTimeoutSeconds = 1800;

/** GET …?watch=true: changes as they happen, as JSON objects one after the other. */
export async function watch(call: Call, deps: HandlerDeps): Promise<Answer> {
  const options = listOptions(call.query, true);
  const scope = scopeOf(call.served, call.target, call.query);
  const cache = await cacheFor(call, deps, options);
  const encoder = new WatchEncoder(call, () => deps.clock.wallMs());
  const start = cursorFor(cache, scope, options);
  return {
    type: "stream",
    run: async (_, response) => {
      response.writeHead(200, { "Content-Type": encoder.contentType, "Cache-Control": "no-cache, private" });
      response.flushHeaders();
      if ("error" in start) return endWithError(response, start.error);
      const timeoutSeconds =
        options.timeoutSeconds || defaultTimeoutSeconds + below(deps.random, defaultTimeoutSeconds);
      const stream = new WatchStream({
        cache,
        cursor: start.cursor,
        encoder,
        response,
        bookmarks: options.allowBookmarks,
        marksInitialEnd: options.sendInitialEvents === true,
        timeoutMs: timeoutSeconds * 1000,
        clock: deps.clock,
        signal: call.signal,
      });
      await stream.done;
    },
  };
}

async function cacheFor(call: Call, deps: HandlerDeps, options: ListOptions): Promise<KindCache> {
  const { kind } = call.served;
  const revision = options.resourceVersion;
  if (options.sendInitialEvents && revision === undefined) return deps.hub.consistent(kind);
  if (options.sendInitialEvents && revision !== undefined && revision > 0)
    return deps.hub.notOlderThan(kind, revision);
  return revision === undefined ? deps.hub.consistent(kind) : deps.hub.cache(kind);
}

/** Where the watch begins; the error that ends it at once when history does not reach back that far. */
function cursorFor(
  cache: KindCache,
  scope: Scope,
  options: ListOptions,
): { readonly cursor: WatchCursor } | { readonly error: ApiError } {
  const revision = options.resourceVersion ?? 0;
  if (options.sendInitialEvents === true) return { cursor: new WatchCursor(cache, scope, { initial: true }) };
  if (revision === 0) {
    const initial = options.sendInitialEvents === undefined;
    return { cursor: new WatchCursor(cache, scope, { initial }) };
  }
  if (revision < cache.window.floorRevision)
    return { error: expired(`too old resource version: ${revision} (${cache.window.floorRevision})`) };
  return { cursor: new WatchCursor(cache, scope, { after: revision }) };
}

function endWithError(response: ServerResponse, error: ApiError): void {
  response.end(`${JSON.stringify({ type: "ERROR", object: error.status() })}\n`);
}
