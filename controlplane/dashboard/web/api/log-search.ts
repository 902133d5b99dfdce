import { signal } from "@preact/signals";
import type { FoundCounts, SearchEnd } from "../../../../client/logs/search-records.ts";
import { searchLimits, timestamp } from "../../../../client/logs/search-request.ts";
import { FoundLines, RecordReader } from "../model/found-lines.ts";
import { entriesPath, type SearchView } from "../model/search-logs.ts";
import { call, Refusal } from "./session.ts";

export const searchBounds = {
  /** Of one answer, and of all that are shown. */
  pageLines: 1_000,
  linesMost: 20_000,
  charsMost: 64 * 1024 * 1024,
  /** The API answers no more. */
  answerLinesMost: searchLimits.entriesMost,
  /** How often what has come is shown. */
  showMs: 100,
} as const;

export type SearchState =
  | { readonly is: "searching"; readonly searchedBytes: number }
  | { readonly is: "done"; readonly end: SearchEnd }
  | { readonly is: "failed"; readonly code: number; readonly why: string };

/** One search of the logs: its lines as they come, and more of them when one asks. */
export class LogSearch {
  readonly found = new FoundLines(searchBounds);
  /** Rises when there are other lines than before. */
  readonly version = signal(0);
  readonly state = signal<SearchState>({ is: "searching", searchedBytes: 0 });
  readonly #view: SearchView;
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(view: SearchView) {
    this.#view = view;
    void this.#run(entriesPath(view, searchBounds.pageLines));
  }

  /** Asks for what comes behind the last line. */
  more(): void {
    const { state, found } = this;
    const last = found.lines.at(-1);
    if (state.value.is !== "done" || last === undefined || found.isFull) return;
    // What is of that microsecond comes once more: several lines may be. `until` is not within.
    const { isOldestFirst } = this.#view;
    const after = isOldestFirst ? { since: timestamp(last.atUs) } : { until: timestamp(last.atUs + 1) };
    state.value = { is: "searching", searchedBytes: 0 };
    const limit = Math.min(searchBounds.answerLinesMost, searchBounds.pageLines + found.edgeLines);
    void this.#run(entriesPath(this.#view, limit, after));
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  async #run(path: string): Promise<void> {
    const { signal: stop } = this.#abort;
    this.found.begin();
    try {
      const end = await this.#read(await call(path, { accept: "application/x-ndjson", signal: stop }));
      this.state.value =
        end === undefined ? { is: "failed", code: 0, why: "the answer was cut off" } : { is: "done", end };
    } catch (error) {
      if (stop.aborted) return;
      const code = error instanceof Refusal ? error.code : 0;
      this.state.value = { is: "failed", code, why: error instanceof Error ? error.message : String(error) };
    }
    this.#show();
  }

  async #read(answer: Response): Promise<SearchEnd | undefined> {
    for await (const record of recordsOf(answer)) {
      if ("end" in record) return record.end;
      if ("source" in record) this.found.takeSource(record.source);
      else if ("entry" in record) {
        this.found.takeEntry(record.entry, this.#view.isFollowing);
        this.#timer ??= setTimeout(() => this.#show(), searchBounds.showMs);
      } else if ("alive" in record && this.state.value.is === "searching" && !this.#view.isFollowing)
        this.state.value = { is: "searching", searchedBytes: record.alive.searchedBytes };
    }
    return undefined;
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#abort.signal.aborted) this.version.value++;
  }
}

/** How many lines there are. */
export async function countLines(path: string, stop: AbortSignal): Promise<FoundCounts> {
  const answer = await call(path, { accept: "application/x-ndjson", signal: stop });
  for await (const record of recordsOf(answer)) if ("counts" in record) return record.counts;
  throw new Error("the answer was cut off");
}

async function* recordsOf(answer: Response) {
  const reader = answer.body?.getReader();
  if (reader === undefined) return;
  const [text, records] = [new TextDecoder(), new RecordReader()];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* records.read(text.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => {
      // It has ended, or was cut off: there is nothing to cancel.
    });
  }
}
