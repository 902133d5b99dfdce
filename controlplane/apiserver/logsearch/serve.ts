import { setImmediate } from "node:timers/promises";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import { type Clock, every } from "../../../base/os/clock.ts";
import { drained } from "../../../base/os/drained.ts";
import { regexProblem } from "../../../client/logs/compile-regex.ts";
import { type SearchRecord, searchContentType } from "../../../client/logs/search-records.ts";
import { parseSearchRequest, type SearchRequest } from "../../../client/logs/search-request.ts";
import type { KubeObject } from "../../../client/types.ts";
import { badRequest, methodNotAllowed, tooManyRequests } from "../api-error.ts";
import type { RequestInfo } from "../filters/request-info.ts";
import { isSearch } from "../filters/search-rights.ts";
import type { HandlerDeps } from "../handlers/call.ts";
import { listPrefix } from "../registry/stored-object.ts";
import { events as eventKind } from "../resources/events.ts";
import { nodes as nodeKind } from "../resources/nodes.ts";
import type { Delegate } from "../server.ts";
import { askNode } from "./ask-node.ts";
import { foundEvents } from "./find-events.ts";
import { type Finder, mergeFound } from "./merge.ts";

/** Searches under way, whoever asked; a node has a bound of its own. */
const searchesMax = 32;
/** How long an answer says nothing. */
const aliveMs = 5_000;
const alive = `${JSON.stringify({ alive: { searchedBytes: 0 } } satisfies SearchRecord)}\n`;

/** Serves the search of logs (`client/logs/README.md`): rights were checked on the way here, by what is searched. */
export function logSearch(config: { readonly logSearch?: boolean }, handlers: HandlerDeps): Delegate {
  let underWay = 0;
  return (exchange) => {
    if (config.logSearch !== true) return undefined;
    const { info, response, cancellation } = exchange;
    if (info.resource === undefined || !isSearch(info.resource)) return undefined;
    if (info.method !== "GET") throw methodNotAllowed();
    const search = readSearch(info, handlers.clock);
    if (underWay >= searchesMax) throw tooManyRequests(`${searchesMax} searches are under way`, 1);
    underWay += 1;
    return findersOf(search, handlers, cancellation.signal)
      .then((finders) =>
        sendFound(response, {
          records: mergeFound(finders, search),
          clock: handlers.clock,
          signal: cancellation.signal,
        }),
      )
      .finally(() => {
        underWay -= 1;
      });
  };
}

function readSearch({ resource, query }: RequestInfo, clock: Clock): SearchRequest {
  if (query.has("namespace")) throw badRequest("namespace: it is in the path");
  const params = new URLSearchParams(query);
  const namespace = resource?.namespace ?? "";
  if (namespace !== "") params.set("namespace", namespace);
  const read = parseSearchRequest(params, clock.wallMs());
  if ("problem" in read) {
    const { parameter, message, column } = read.problem;
    throw badRequest(`${parameter}: ${column === undefined ? "" : `column ${column}: `}${message}`);
  }
  const { request } = read;
  const problem = regexProblem(request.query);
  if (problem !== undefined) throw badRequest(`query: column ${problem.column}: ${problem.message}`);
  const { source } = request;
  if (namespace !== "" && (source === "components" || source === "audit"))
    throw badRequest(`source: ${source} are in no namespace`);
  if (source === "events")
    for (const name of ["container", "component", "node", "stream", "follow"] as const)
      if (request[name] !== undefined && request[name] !== false)
        throw badRequest(`${name}: has no meaning for events`);
  return request;
}

async function findersOf(
  search: SearchRequest,
  { hub, nodes, clock, facts }: HandlerDeps,
  signal: AbortSignal,
): Promise<readonly Finder[]> {
  if (search.source === "events") {
    const cache = await hub.cache(eventKind);
    const events = cache.list(listPrefix(eventKind, search.namespace ?? "")).map(({ object }) => object);
    return [{ name: "", records: eventRecords(events, search, signal) }];
  }
  const cache = await hub.cache(nodeKind);
  const asked = cache
    .list(cache.prefix)
    .map(({ object }) => object)
    .filter(({ metadata }) => search.node === undefined || search.node === metadata.name);
  if (search.node !== undefined && asked.length === 0)
    throw badRequest(`node: there is no node ${search.node}`);
  return asked.map((node: KubeObject) => ({
    name: node.metadata.name,
    records: askNode(node, search, { nodes, clock, facts }, signal),
  }));
}

async function* eventRecords(
  events: readonly KubeObject[],
  search: SearchRequest,
  signal: AbortSignal,
): AsyncGenerator<SearchRecord, void, void> {
  yield* await foundEvents(events, search, async () => {
    await setImmediate();
    signal.throwIfAborted();
  });
}

interface Sending {
  readonly records: AsyncGenerator<SearchRecord, void, void>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** As fast as it is taken; whoever asked and is gone ends it. */
async function sendFound(response: HttpResponse, { records, clock, signal }: Sending): Promise<void> {
  response.writeHead(200, { "Content-Type": searchContentType, "Cache-Control": "no-cache, private" });
  response.flushHeaders();
  const cancel = every(clock, aliveMs, () => {
    if (!response.writableNeedDrain && !response.destroyed) response.write(alive);
  });
  try {
    for await (const record of records) {
      if (response.destroyed || signal.aborted) return;
      response.write(`${JSON.stringify(record)}\n`);
      await drained(response);
    }
    response.end();
  } finally {
    cancel();
  }
}
