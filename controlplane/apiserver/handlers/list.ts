import { ApiError, badRequest, expired, revisionTooLarge } from "../api-error.ts";
import { type KindCache, selected } from "../cache/kind-cache.ts";
import { inScope, isSelective, type Scope } from "../cache/scope.ts";
import {
  type ContinueToken,
  decodeContinue,
  encodeContinue,
  expiredContinue,
} from "../registry/continue-token.ts";
import type { Kind } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { type KnownObjects, selectShown } from "../registry/shown-selection.ts";
import { StorageError, type StoredEntry } from "../registry/storage.ts";
import { StoredObject } from "../registry/stored-object.ts";
import type { Answer, Call, HandlerDeps, ListAnswer } from "./call.ts";
import { listOptions, scopeOf } from "./list-options.ts";

/** Entries read from the store at a time when a page of an older state is asked for. */
const storePageEntries = 500;

/** GET of many: from the cache, made as fresh as asked for; older states, and pages after the first, from the store. */
export async function list(call: Call, deps: HandlerDeps): Promise<Answer> {
  return { type: "list", list: await chosenPage(call, deps) };
}

/** What the query chooses of a collection. */
export async function chosenPage(call: Call, deps: HandlerDeps): Promise<ListAnswer> {
  const { served, target, query } = call;
  const options = listOptions(query, false);
  const scope = scopeOf(served, target, query);
  const revision = options.resourceVersion;
  if (options.continue !== "") {
    if (revision !== undefined && revision > 0n)
      throw badRequest("specifying resource version is not allowed when using continue");
    const token = decodeContinue(options.continue);
    return nextPage(deps, served, { scope, token, limit: options.limit });
  }
  // With a limit, a revision means that very state, as Kubernetes has it for old clients.
  const exact = options.match === "Exact" || (options.match === "" && options.limit > 0);
  if (revision !== undefined && revision > 0n && exact) {
    const page = { scope, start: "", limit: options.limit, revision: await storedRevision(deps, revision) };
    return readPage(deps, served, page);
  }
  const cache = await freshCache(deps, served.kind, revision);
  if (cache !== undefined) return firstPage(served, cache, { scope, limit: options.limit });
  const page = { scope, start: "", limit: options.limit, revision: await deps.storage.revision() };
  return readPage(deps, served, page);
}

/** `undefined` where a consistent cache was asked for and ours does not keep up: then the store is asked. */
async function freshCache(
  deps: HandlerDeps,
  kind: Kind,
  revision: bigint | undefined,
): Promise<KindCache | undefined> {
  if (revision === undefined)
    try {
      const cache = await deps.hub.consistent(kind);
      cache.figures.consistent.count++;
      return cache;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      deps.hub.figures(kind).fallback.count++;
      return undefined;
    }
  return revision === 0n ? deps.hub.cache(kind) : deps.hub.notOlderThan(kind, revision);
}

/** A revision that clients name, as the store takes it. Fails with 504 where no store can have got there. */
async function storedRevision(deps: HandlerDeps, revision: bigint): Promise<number> {
  if (revision <= Number.MAX_SAFE_INTEGER) return Number(revision);
  throw revisionTooLarge(revision, await deps.storage.revision(), 0);
}

async function firstPage(
  served: ServedKind,
  cache: KindCache,
  { scope, limit }: Pick<PageRequest, "scope" | "limit">,
): Promise<ListAnswer> {
  const { revision } = cache;
  const candidates = cache.candidates(scope);
  const { items: found, known } = await selectShown(served, scope.shown, selected(candidates, scope));
  const { total, fetched } = cache.figures.lists(candidates.index);
  total.count++;
  fetched.count += candidates.objects.length;
  cache.figures.returned.count += limit === 0 ? found.length : Math.min(limit, found.length);
  if (limit === 0 || found.length <= limit)
    return { items: found, revision, continue: "", remaining: undefined, known };
  const items = found.slice(0, limit);
  return {
    items,
    revision,
    continue: encodeContinue({ revision, start: startAfter(scope, items) }),
    remaining: isSelective(scope) ? undefined : found.length - limit,
    known,
  };
}

function startAfter(scope: Scope, items: readonly StoredObject[]): string {
  const last = items[items.length - 1]?.key ?? "";
  return `${last.slice(scope.prefix.length)}\0`;
}

interface NextPage {
  readonly scope: Scope;
  readonly token: ContinueToken;
  readonly limit: number;
}

async function nextPage(
  deps: HandlerDeps,
  served: ServedKind,
  { scope, token, limit }: NextPage,
): Promise<ListAnswer> {
  // -1: the state the pages showed is gone, and the client takes the rest from the newest one.
  const revision = token.revision === -1 ? await deps.storage.revision() : token.revision;
  return readPage(deps, served, { scope, start: token.start, limit, revision });
}

interface PageRequest {
  readonly scope: Scope;
  readonly start: string;
  readonly limit: number;
  readonly revision: number;
}

async function readPage(deps: HandlerDeps, served: ServedKind, page: PageRequest): Promise<ListAnswer> {
  const { scope, limit, revision } = page;
  const items: StoredObject[] = [];
  let known: KnownObjects | undefined;
  let start = page.start;
  const stored = (entry: StoredEntry) => storedOf(deps, served.kind, entry);
  for (;;) {
    const result = await readStore(deps, { ...page, start });
    const shown =
      scope.shown.length > 0
        ? await shownOf(
            known?.served ?? served,
            scope,
            new Map(result.entries.map((one) => [stored(one), one])),
          )
        : undefined;
    if (shown?.known !== undefined) known = { ...shown.known, objects: joined(known, shown.known) };
    for (const [at, entry] of result.entries.entries()) {
      const object = shown === undefined ? stored(entry) : shown.items.get(entry);
      if (object === undefined || !inScope(scope, object)) continue;
      items.push(object);
      const rest = result.count - at - 1;
      if (limit === 0 || items.length < limit) continue;
      if (rest === 0) return { items, revision, continue: "", remaining: undefined, known };
      const token = encodeContinue({ revision, start: startAfter(scope, items) });
      return { items, revision, continue: token, remaining: isSelective(scope) ? undefined : rest, known };
    }
    const last = result.entries[result.entries.length - 1];
    if (last === undefined || result.count <= result.entries.length)
      return { items, revision, continue: "", remaining: undefined, known };
    start = `${last.key.slice(scope.prefix.length)}\0`;
  }
}

/** The object as the cache has it already, where it is still the one: it need not be read, nor made into JSON, again. */
function storedOf({ hub }: HandlerDeps, kind: Kind, entry: StoredEntry): StoredObject {
  const cached = hub.peek(kind)?.get(entry.key);
  return cached?.revision === entry.modRevision ? cached : new StoredObject(kind, entry);
}

function joined(before: KnownObjects | undefined, { objects }: KnownObjects): KnownObjects["objects"] {
  return before === undefined ? objects : new Map([...before.objects, ...objects]);
}

/** The objects of a page that are in the scope, all of them converted at once. */
async function shownOf(
  served: ServedKind,
  scope: Scope,
  objects: ReadonlyMap<StoredObject, StoredEntry>,
): Promise<{ readonly items: ReadonlyMap<StoredEntry, StoredObject>; readonly known?: KnownObjects }> {
  const inside = [...objects.keys()].filter((object) => inScope(scope, object));
  const { items, known } = await selectShown(served, scope.shown, inside);
  const kept = new Set(items);
  return {
    items: new Map([...objects].flatMap(([object, entry]) => (kept.has(object) ? [[entry, object]] : []))),
    ...(known && { known }),
  };
}

async function readStore(deps: HandlerDeps, { scope, start, revision }: PageRequest) {
  try {
    return await deps.storage.list(scope.prefix, {
      startKey: scope.prefix + start,
      limit: storePageEntries,
      revision,
    });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code === "future") throw revisionTooLarge(revision, await deps.storage.revision(), 0);
    if (error.code !== "compacted") throw error;
    if (start === "") throw expired("The resourceVersion for the provided list is too old.");
    throw expiredContinue(start);
  }
}
