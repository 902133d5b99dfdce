import { Heap } from "../../../base/heap.ts";
import { describeError } from "../../../base/os/log.ts";
import type {
  AskedNode,
  FoundCounts,
  FoundEntry,
  FoundSource,
  SearchRecord,
} from "../../../client/logs/search-records.ts";
import { type SearchRequest, timestampUs } from "../../../client/logs/search-request.ts";

/** Of one finder: a node tells only of those that it has found something in. */
const sourcesMost = 20_000;

/** A node, or whoever else finds something by time. */
export interface Finder {
  /** Empty: it is no node. */
  readonly name: string;
  readonly records: AsyncGenerator<SearchRecord, void, void>;
}

/** What all find, as one: by time, as many as are asked for, sources numbered anew. Who fails is named at the end; what it found
 *  before is there. */
export async function* mergeFound(
  finders: readonly Finder[],
  request: Pick<SearchRequest, "namespace" | "order" | "limit" | "counts" | "follow">,
): AsyncGenerator<SearchRecord, void, void> {
  const streams = finders.map((finder) => new FoundStream(finder, request.namespace));
  const numbers = new SourceNumbers();
  try {
    if (request.follow) yield* asTheyCome(streams, numbers);
    else yield* byTime(streams, numbers, request);
  } finally {
    // Who is still asked is asked no more; that is not waited for.
    for (const stream of streams) void stream.close();
  }
}

async function* byTime(
  streams: readonly FoundStream[],
  numbers: SourceNumbers,
  { order, limit, counts }: Pick<SearchRequest, "order" | "limit" | "counts">,
): AsyncGenerator<SearchRecord, void, void> {
  const sign = order === "newest" ? -1 : 1;
  const heads = new Heap<FoundStream>((a, b) => sign * (a.headUs - b.headUs) < 0);
  await Promise.all(streams.map((stream) => stream.advance()));
  for (const stream of streams) if (stream.head !== undefined) heads.push(stream);
  let entries = 0;
  let isCut = false;
  for (let stream = heads.pop(); stream?.head !== undefined; stream = heads.pop()) {
    if (entries === limit) {
      isCut = true;
      break;
    }
    entries += 1;
    yield* numbers.told(stream);
    yield { entry: { ...stream.head, source: numbers.of(stream, stream.head.source) } };
    await stream.advance();
    if (stream.head !== undefined) heads.push(stream);
  }
  if (counts !== undefined) {
    yield { counts: summed(streams, counts.by === "node") };
    entries = streams.reduce((sum, { found }) => sum + found, 0);
  }
  yield ending(streams, entries, isCut || streams.some(({ isLimited }) => isLimited));
}

/** Nobody waits for anybody. */
async function* asTheyCome(
  streams: readonly FoundStream[],
  numbers: SourceNumbers,
): AsyncGenerator<SearchRecord, void, void> {
  const ready: FoundStream[] = [];
  let wake: () => void = () => undefined;
  const advance = (stream: FoundStream) =>
    void stream.advance().then(() => {
      ready.push(stream);
      wake();
    });
  for (const stream of streams) advance(stream);
  let entries = 0;
  for (let left = streams.length; left > 0; ) {
    const stream = ready.shift();
    if (stream === undefined)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    else if (stream.head === undefined) left -= 1;
    else {
      entries += 1;
      yield* numbers.told(stream);
      yield { entry: { ...stream.head, source: numbers.of(stream, stream.head.source) } };
      advance(stream);
    }
  }
  yield ending(streams, entries, false);
}

function ending(streams: readonly FoundStream[], entries: number, isLimited: boolean): SearchRecord {
  const nodes: AskedNode[] = streams.flatMap(({ name, error }) =>
    name === "" ? [] : [{ name, ...(error !== undefined && { error }) }],
  );
  const searchedBytes = streams.reduce((sum, stream) => sum + stream.searchedBytes, 0);
  return { end: { entries, isLimited, searchedBytes, nodes } };
}

/** One finder's records, as far as they were taken. */
class FoundStream {
  readonly name: string;
  readonly sources = new Map<number, FoundSource>();
  readonly #records: AsyncGenerator<SearchRecord, void, void>;
  readonly #namespace: string | undefined;
  head: FoundEntry | undefined;
  headUs = 0;
  counts: FoundCounts | undefined;
  found = 0;
  /** It has more than it was asked for. */
  isLimited = false;
  searchedBytes = 0;
  error: string | undefined;

  /** @param namespace Whoever asks may read no other: what is said of another is not passed on, whoever says it. */
  constructor({ name, records }: Finder, namespace: string | undefined) {
    this.name = name;
    this.#namespace = namespace;
    this.#records = records;
  }

  /** On to the next entry. Never rejects. */
  async advance(): Promise<void> {
    this.head = undefined;
    try {
      for (;;) {
        const { value, done } = await this.#records.next();
        if (done === true) return;
        if ("entry" in value) {
          if (!this.sources.has(value.entry.source)) throw new Error("an entry has no source");
          this.head = value.entry;
          this.headUs = timestampUs(value.entry.time) ?? 0;
          return;
        }
        this.#note(value);
      }
    } catch (error) {
      this.error = describeError(error);
    }
  }

  async close(): Promise<void> {
    await this.#records.return().catch(() => undefined); // nobody asks any more how it ended
  }

  #note(record: Exclude<SearchRecord, { readonly entry: FoundEntry }>): void {
    if ("source" in record) {
      if (this.#namespace !== undefined && record.source.namespace !== this.#namespace)
        throw new Error("it speaks of another namespace");
      if (this.sources.size >= sourcesMost) throw new Error(`it names more than ${sourcesMost} sources`);
      this.sources.set(record.source.id, record.source);
    } else if ("counts" in record) this.counts = record.counts;
    else if ("alive" in record) this.searchedBytes = record.alive.searchedBytes;
    else {
      this.searchedBytes = record.end.searchedBytes;
      this.found = record.end.entries;
      this.isLimited = record.end.isLimited;
    }
  }
}

/** Sources' numbers among those of all. */
class SourceNumbers {
  readonly #numbers = new Map<FoundStream, Map<number, number>>();
  #last = 0;

  of(stream: FoundStream, id: number): number {
    return this.#numbers.get(stream)?.get(id) ?? 0;
  }

  /** The source of the stream's head, the first time. */
  *told(stream: FoundStream): Generator<SearchRecord, void, void> {
    const numbers = this.#numbers.get(stream) ?? new Map<number, number>();
    this.#numbers.set(stream, numbers);
    const source = stream.head && stream.sources.get(stream.head.source);
    if (source === undefined || numbers.has(source.id)) return;
    this.#last += 1;
    numbers.set(source.id, this.#last);
    yield { source: { ...source, id: this.#last, ...(stream.name !== "" && { node: stream.name }) } };
  }
}

/** All were asked for the same steps. */
function summed(streams: readonly FoundStream[], isByNode: boolean): FoundCounts {
  const all = new Map<string, number[]>();
  let first: FoundCounts | undefined;
  for (const { name: node, counts } of streams) {
    if (counts === undefined) continue;
    first ??= counts;
    for (const series of counts.series) {
      const name = isByNode ? node : series.name;
      const sum = all.get(name) ?? series.counts.map(() => 0);
      all.set(
        name,
        sum.map((count, step) => count + (series.counts[step] ?? 0)),
      );
    }
  }
  const series = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, counts]) => ({ name, counts }));
  return { from: first?.from ?? "", stepMs: first?.stepMs ?? 0, series };
}
