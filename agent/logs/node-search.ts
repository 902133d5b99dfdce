import { join } from "node:path";
import { Heap } from "../../base/heap.ts";
import { matchesLabels } from "../../base/label-selector.ts";
import { compileRegex } from "../../client/logs/compile-regex.ts";
import { lineTest } from "../../client/logs/match-line.ts";
import { needlesOf } from "../../client/logs/needles.ts";
import type { FoundSource, SearchRecord } from "../../client/logs/search-records.ts";
import { type SearchRequest, timestamp } from "../../client/logs/search-request.ts";
import type { LogFolders } from "./folders.ts";
import { LineCounts } from "./line-counts.ts";
import { recordFormats } from "./record.ts";
import { type FoundLine, type ScanPlan, scanPlan, textOf } from "./scan-block.ts";
import { SourceCursor } from "./source-cursor.ts";
import { type LogOrigin, type LogSource, listLogSources } from "./sources.ts";

/** Of an entry's text as it is sent; what is looked through is longer. */
const shownBytesMost = 64 * 1024;
const aliveEveryMs = 1_000;

export interface SearchDeps {
  readonly folders: LogFolders;
  readonly monotonicMs: () => number;
}

/** Searches a node's logs. Each record is a step: who asks for no more reads no more, and nothing is left open. */
export async function* searchNode(
  request: SearchRequest,
  deps: SearchDeps,
): AsyncGenerator<SearchRecord, void, void> {
  const found = await chosenSources(request, deps.folders);
  yield* searchSources(found, request, deps);
}

const kinds = { containers: "container", components: "component", audit: "audit" } as const;

export async function chosenSources(request: SearchRequest, folders: LogFolders): Promise<LogSource[]> {
  if (request.source === "events") return [];
  const kind = kinds[request.source];
  const all = await listLogSources(folders, { kinds: new Set([kind]), namespace: request.namespace });
  return all.filter(({ origin }) => isWanted(origin, request));
}

function isWanted(origin: LogOrigin, request: SearchRequest): boolean {
  const { pod, container, component, selector } = request;
  const is = (given: string | undefined, own: string) => given === undefined || given === own;
  if (origin.kind !== "container") return is(component, origin.component);
  return is(pod, origin.pod) && is(container, origin.container) && matchesLabels(selector, origin.labels);
}

export function planOf({ query, stream, sinceUs, untilUs }: SearchRequest): ScanPlan {
  const test = query.kind === "all" ? undefined : lineTest(query, compileRegex);
  return scanPlan(needlesOf(query), { test, stream, sinceUs, untilUs });
}

export function* searchSources(
  found: readonly LogSource[],
  request: SearchRequest,
  { folders, monotonicMs }: SearchDeps,
  told = new ToldSources(),
): Generator<SearchRecord, void, void> {
  const { order, limit, counts: counted } = request;
  const plan = planOf(request);
  const counts = counted && new LineCounts(request, counted);
  let searchedBytes = 0;
  let entries = 0;
  const isNewest = order === "newest";
  const cursors = new Heap<{ readonly cursor: SourceCursor; readonly boundUs: number }>((a, b) =>
    isNewest ? a.boundUs > b.boundUs : a.boundUs < b.boundUs,
  );
  const put = (cursor: SourceCursor) => {
    const { boundUs } = cursor;
    if (boundUs !== undefined) cursors.push({ cursor, boundUs });
  };
  const onRead = (bytes: number) => {
    searchedBytes += bytes;
  };
  for (const source of found)
    put(new SourceCursor({ source, plan, order, onRead, elsewhere: elsewhereOf(source, folders) }));
  let aliveMs = monotonicMs();
  const end = (isLimited: boolean): SearchRecord => ({ end: { entries, isLimited, searchedBytes } });
  try {
    for (let top = cursors.pop(); top !== undefined; top = cursors.pop()) {
      const { cursor } = top;
      const { line } = cursor;
      if (line === undefined) {
        cursor.advance();
        const nowMs = monotonicMs();
        if (nowMs - aliveMs > aliveEveryMs) {
          aliveMs = nowMs;
          yield { alive: { searchedBytes } };
        }
      } else if (counts !== undefined) {
        entries += countBlock(cursor, line, counts);
      } else if (entries === limit) {
        cursors.push(top);
        yield end(true);
        return;
      } else {
        entries += 1;
        const id = told.idOf(cursor.source);
        if (told.isNew) yield { source: sourceRecord(id, cursor.source.origin) };
        yield entryOf(cursor, line, id);
        cursor.take();
      }
      put(cursor);
    }
    if (counts !== undefined) yield { counts: counts.found };
    yield end(false);
  } finally {
    for (let left = cursors.pop(); left !== undefined; left = cursors.pop()) left.cursor.close();
  }
}

/** All lines that the cursor has found; their order does not count. */
function countBlock(cursor: SourceCursor, first: FoundLine, counts: LineCounts): number {
  const { origin, format } = cursor.source;
  let count = 0;
  for (let line: FoundLine | undefined = first; line !== undefined; line = cursor.line) {
    counts.add(line.timeUs, origin, recordFormats[format].stream(cursor.block, line.from));
    count += 1;
    cursor.take();
  }
  return count;
}

/** Where files of a log are moved to. */
function elsewhereOf({ origin }: LogSource, { live, kept }: LogFolders): string[] {
  if (origin.kind !== "container") return [];
  const folder = `${origin.namespace}_${origin.pod}_${origin.podUid}`;
  return [join(live, folder, origin.container), join(kept, folder, origin.container)];
}

/** Numbers sources as they are first spoken of. */
export class ToldSources {
  readonly #ids = new Map<string, number>();
  /** Of the source that was last asked for. */
  isNew = false;

  idOf({ id }: LogSource): number {
    const known = this.#ids.get(id);
    this.isNew = known === undefined;
    if (known !== undefined) return known;
    this.#ids.set(id, this.#ids.size + 1);
    return this.#ids.size;
  }
}

export function sourceRecord(id: number, origin: LogOrigin): FoundSource {
  return { id, ...origin };
}

export function entryOf(
  { block, source }: Pick<SourceCursor, "block" | "source">,
  line: FoundLine,
  id: number,
): SearchRecord {
  const stream = recordFormats[source.format].stream(block, line.from);
  return {
    entry: {
      source: id,
      time: source.format === "cri" ? criTime(block, line) : timestamp(line.timeUs),
      ...(stream !== undefined && { stream }),
      text: textOf(block, line, shownBytesMost),
      ...(line.bytes > shownBytesMost && { textBytes: line.bytes }),
    },
  };
}

/** As it was written, with its nanoseconds, where that is UTC. */
function criTime(block: Buffer, { from, timeUs }: FoundLine): string {
  const text = block.toString("latin1", from, block.indexOf(0x20, from));
  return text.endsWith("Z") ? text : timestamp(timeUs);
}
