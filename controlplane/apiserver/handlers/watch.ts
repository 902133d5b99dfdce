import { below } from "../../../base/os/random.ts";
import { ApiError, expired, notAcceptable } from "../api-error.ts";
import type { KindCache } from "../cache/kind-cache.ts";
import type { Scope } from "../cache/scope.ts";
import { WatchCursor } from "../cache/watch-cursor.ts";
import type { WatchMetrics } from "../telemetry/watch-metrics.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { type ListOptions, listOptions, scopeOf } from "./list-options.ts";
import { streamTypes } from "./negotiate.ts";
import { WatchEncoder } from "./watch-encoder.ts";
import { outletOf, type WatchOutlet } from "./watch-outlet.ts";
import { WatchStream } from "./watch-stream.ts";

/** A watch without a time limit of its own lasts between one and two times this (Kubernetes' min-request-timeout). */
const defaultTimeoutSeconds = 1800;

/** GET …?watch=true: changes as they happen, one after the other. Fails with 406 for a form that has no end to tell by. */
export async function watch(call: Call, deps: HandlerDeps): Promise<Answer> {
  const watching = await beginWatch(call, deps);
  return {
    type: "stream",
    run: async (_, response) => {
      const head = { "Content-Type": watching.contentType, "Cache-Control": "no-cache, private" };
      response.writeHead(200, head);
      response.flushHeaders();
      await watching.tell(outletOf(response));
    },
  };
}

/** A watch that was understood. */
export interface Watching {
  readonly contentType: string;
  /** Resolves when it is over. */
  tell(outlet: WatchOutlet): Promise<void>;
}

export async function beginWatch(call: Call, deps: HandlerDeps): Promise<Watching> {
  const options = listOptions(call.query, true);
  if (call.output.format === "yaml") throw notAcceptable(streamTypes);
  const scope = scopeOf(call.served, call.target, call.query);
  const encoder = new WatchEncoder(call, {
    encodings: deps.hub.encodings,
    wallMs: () => deps.clock.wallMs(),
    shown: scope.shown,
  });
  const start = await startOf(call, deps, { options, scope });
  return {
    contentType: encoder.contentType,
    tell: async (outlet) => {
      if ("error" in start) return outlet.end(outlet.framing.wrap(encoder.error(start.error)));
      const timeoutSeconds =
        options.timeoutSeconds || defaultTimeoutSeconds + below(deps.random, defaultTimeoutSeconds);
      const stream = new WatchStream({
        cache: start.cache,
        cursor: start.cursor,
        encoder,
        outlet,
        bookmarks: options.allowBookmarks,
        marksInitialEnd: options.sendInitialEvents === true,
        timeoutMs: timeoutSeconds * 1000,
        clock: deps.clock,
        signal: call.cancellation.signal,
        onBegun: call.begun,
        ...(deps.watched && { onFrame: counting(deps.watched, call) }),
      });
      await stream.done;
    },
  };
}

/** Counts each frame; which figures those are is looked up once a watch. */
function counting(watched: WatchMetrics, { target }: Call): (bytes: number) => void {
  const { group, version, plural: resource } = target;
  const events = watched.events.of({ group, version, resource });
  const sizes = watched.bytes.of({ group, version, resource });
  return (bytes) => {
    events.count++;
    sizes.observe(bytes);
  };
}

type Start = { readonly cache: KindCache; readonly cursor: WatchCursor } | { readonly error: ApiError };

/** Where the watch begins, or the error that ends it at once: as in Kubernetes a watch that was understood fails with
 *  an ERROR event. */
async function startOf(
  call: Call,
  deps: HandlerDeps,
  { options, scope }: { readonly options: ListOptions; readonly scope: Scope },
): Promise<Start> {
  try {
    const cache = await cacheFor(call, deps, options);
    return cursorFor(cache, scope, options);
  } catch (error) {
    if (error instanceof ApiError) return { error };
    throw error;
  }
}

async function cacheFor(call: Call, deps: HandlerDeps, options: ListOptions): Promise<KindCache> {
  const { kind } = call.served;
  const revision = options.resourceVersion;
  if (revision === undefined) return deps.hub.consistent(kind);
  // A plain watch from a revision ahead of us hears nothing until we got there: its cursor sees to that.
  return options.sendInitialEvents ? deps.hub.notOlderThan(kind, revision) : deps.hub.cache(kind);
}

function cursorFor(cache: KindCache, scope: Scope, options: ListOptions): Start {
  const revision = options.resourceVersion ?? 0n;
  if (options.sendInitialEvents === true)
    return { cache, cursor: new WatchCursor(cache, scope, { initial: true }) };
  if (revision === 0n) return { cache, cursor: new WatchCursor(cache, scope, { initial: false }) };
  if (revision < cache.window.floorRevision)
    return { error: expired(`too old resource version: ${revision} (${cache.window.floorRevision})`) };
  // What numbers cannot hold exactly is beyond any revision, on either side of the rounding.
  return { cache, cursor: new WatchCursor(cache, scope, { after: Number(revision) }) };
}
