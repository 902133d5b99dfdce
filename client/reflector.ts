import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import { type Clock, sleep } from "../base/os/clock.ts";
import type { Log } from "../base/os/log.ts";
import { below, type Random } from "../base/os/random.ts";
import type { ApiClient, WatchOptions } from "./api.ts";
import { ApiError, ConnectionError, isGone } from "./api-error.ts";
import { deepFreeze, keyOf, type ObjectCache, type Stored } from "./object-cache.ts";
import type { Resource, WatchEvent } from "./types.ts";

/** Which objects are followed. */
export interface Scope {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ReflectorDeps {
  readonly client: Pick<ApiClient, "list" | "watch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export const reflectorLimits = {
  pageObjects: 500,
  /** A server ends our watch after a random time in this span, so that clients spread over servers again. */
  watchSecondsLeast: 300,
  watchSecondsSpan: 300,
  backoff: { firstMs: 100, mostMs: 5_000, factor: 2 } satisfies BackoffOptions,
  /** A watch that ends sooner than this without an event counts as failed. */
  watchBriefMs: 1_000,
} as const;

/** Where the reflector stands between two connections. */
type Position =
  /** Nothing known, or too old: take the whole state. `by` is how. */
  | { readonly state: "empty"; readonly by: "stream" | "list" }
  /** The cache shows the state as of `resourceVersion`. */
  | { readonly state: "synced"; readonly resourceVersion: string; readonly by: "stream" | "list" };

/** What is kept of each object that comes: a smaller one of the same key and version, for who follows many and needs little of
 *  each. */
export type Keep<T> = (object: T) => T;

/** Keeps a cache equal to the server's objects until the signal aborts: takes the whole state (streamed by the watch
 *  itself where served, by a paged list where not), then follows the watch from there; after a cut it resumes from the
 *  last revision seen, and only when that is gone takes the whole state again.
 *  `onSynced` is called each time the whole state was taken. Rejects only when the signal aborts or a handler throws. */
export async function reflect<T extends Stored>(
  resource: Resource<T>,
  scope: Scope,
  cache: ObjectCache<T>,
  deps: ReflectorDeps,
  options: {
    readonly onSynced: () => void;
    readonly signal: AbortSignal;
    readonly keep?: Keep<T> | undefined;
  },
): Promise<never> {
  const { signal, onSynced, keep } = options;
  let position: Position = { state: "empty", by: "stream" };
  let failures = 0;
  for (;;) {
    signal.throwIfAborted();
    const moved = (to: Position, progressed: boolean) => {
      if (position.state === "empty" && to.state === "synced") onSynced();
      position = to;
      if (progressed) failures = 0;
    };
    const startedMs = deps.clock.monotonicMs();
    try {
      if (position.state === "empty" && position.by === "list")
        moved(await takeList(resource, scope, cache, deps, { signal, keep }), true);
      if (position.state === "empty") await takeStream(resource, scope, cache, deps, { signal, moved, keep });
      else await follow(resource, scope, cache, deps, { signal, moved, keep, from: position });
      const brief = deps.clock.monotonicMs() - startedMs < reflectorLimits.watchBriefMs;
      if (!brief) failures = 0;
      else failures++;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
      failures++;
      const next = positionAfter(position, error);
      if (next.state === "synced" || position.state === "empty")
        deps.log.debug("watch interrupted", { resource: resource.plural, error });
      else deps.log.info("listing anew", { resource: resource.plural, error });
      if (next.by === position.by && next.state === "empty" && failures > 1)
        deps.log.warn("cannot list", { resource: resource.plural, failures, error });
      position = next;
    }
    if (failures > 0)
      await sleep(deps.clock, backoffMs(reflectorLimits.backoff, failures, deps.random), signal);
  }
}

/** Where to go on after a failure. A server that refuses streamed lists is asked for plain ones from then on. */
function positionAfter(position: Position, error: ApiError | ConnectionError): Position {
  if (position.state === "synced") return isGone(error) ? { state: "empty", by: position.by } : position;
  // 500: a kube-apiserver whose etcd cannot be asked how far its watches are.
  const refused = error instanceof ApiError && [400, 404, 405, 406, 415, 422, 500].includes(error.code);
  return position.by === "stream" && refused ? { state: "empty", by: "list" } : position;
}

type Moved = (to: Position, progressed: boolean) => void;

/** empty -> synced by list. Pages until there are no more; a page token gone stale starts over unpaged. */
async function takeList<T extends Stored>(
  resource: Resource<T>,
  scope: Scope,
  cache: ObjectCache<T>,
  deps: ReflectorDeps,
  { signal, keep }: { readonly signal: AbortSignal; readonly keep: Keep<T> | undefined },
): Promise<Position> {
  const items: T[] = [];
  let page = await deps.client.list(resource, { ...scope, limit: reflectorLimits.pageObjects, signal });
  for (const item of page.items) items.push(kept(item, keep));
  while (page.metadata.continue) {
    try {
      page = await deps.client.list(resource, {
        ...scope,
        limit: reflectorLimits.pageObjects,
        continue: page.metadata.continue,
        signal,
      });
    } catch (error) {
      if (!isGone(error)) throw error;
      items.length = 0;
      page = await deps.client.list(resource, { ...scope, signal });
    }
    for (const item of page.items) items.push(kept(item, keep));
  }
  cache.replace(items);
  return { state: "synced", resourceVersion: page.metadata.resourceVersion, by: "list" };
}

/** empty -> synced by a watch that begins with what exists, then on with the same watch. */
async function takeStream<T extends Stored>(
  resource: Resource<T>,
  scope: Scope,
  cache: ObjectCache<T>,
  deps: ReflectorDeps,
  run: { readonly signal: AbortSignal; readonly moved: Moved; readonly keep: Keep<T> | undefined },
): Promise<void> {
  let initial: Map<string, T> | undefined = new Map();
  const watch = { ...watchOptions(scope, deps), sendInitialEvents: true };
  for await (const event of deps.client.watch(resource, watch, run.signal)) {
    if (initial === undefined) run.moved(apply(cache, event, "stream", run.keep), true);
    else if (event.type === "BOOKMARK") {
      if (!event.initialEventsEnd) continue;
      cache.replace(initial.values());
      initial = undefined;
      run.moved({ state: "synced", resourceVersion: event.resourceVersion, by: "stream" }, true);
    } else if (event.type === "DELETED") initial.delete(keyOf(event.object));
    else initial.set(keyOf(event.object), kept(event.object, run.keep));
  }
  // Ended before the list was complete: the server may not know how to stream lists.
  if (initial !== undefined) run.moved({ state: "empty", by: "list" }, false);
}

/** synced -> synced, further on. Returns when the server ends the watch. */
async function follow<T extends Stored>(
  resource: Resource<T>,
  scope: Scope,
  cache: ObjectCache<T>,
  deps: ReflectorDeps,
  run: {
    readonly signal: AbortSignal;
    readonly moved: Moved;
    readonly keep: Keep<T> | undefined;
    readonly from: Position & { state: "synced" };
  },
): Promise<void> {
  const watch = { ...watchOptions(scope, deps), resourceVersion: run.from.resourceVersion };
  for await (const event of deps.client.watch(resource, watch, run.signal))
    run.moved(apply(cache, event, run.from.by, run.keep), true);
}

function watchOptions(scope: Scope, deps: ReflectorDeps): WatchOptions {
  const timeoutSeconds =
    reflectorLimits.watchSecondsLeast + below(deps.random, reflectorLimits.watchSecondsSpan);
  return { ...scope, allowWatchBookmarks: true, timeoutSeconds };
}

function apply<T extends Stored>(
  cache: ObjectCache<T>,
  event: WatchEvent<T>,
  by: Position["by"],
  keep: Keep<T> | undefined,
): Position {
  if (event.type === "BOOKMARK") return { state: "synced", resourceVersion: event.resourceVersion, by };
  const object = kept(event.object, keep);
  if (event.type === "DELETED") cache.delete(keyOf(object), object);
  else cache.put(object);
  return { state: "synced", resourceVersion: object.metadata.resourceVersion, by };
}

/** What a cache keeps of an object that was just read: all but who wrote which field, which is a third of it and of no concern to
 *  components. (A write without it leaves the server's record as it is.) */
function kept<T extends Stored>(object: T, keep: Keep<T> | undefined): T {
  const { metadata } = object as { metadata: { managedFields?: unknown } };
  if (metadata.managedFields !== undefined) metadata.managedFields = undefined;
  return deepFreeze(keep === undefined ? object : keep(object));
}
