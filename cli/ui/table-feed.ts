import type { Clock } from "../../base/os/clock.ts";
import { ApiError } from "../../client/api-error.ts";
import { resourcePath } from "../../client/paths.ts";
import type { RestClient } from "../../client/rest.ts";
import { type Column, type Row, rowKey, type Table } from "../../client/rules/printed-table.ts";
import type { Resource } from "../../client/types.ts";
import type { DiscoveredResource } from "../kubectl/discovery.ts";
import { pause } from "./pause.ts";

const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
const pageItems = 1_000;
const retryMs = { first: 500, most: 15_000 };
/** Changes are shown together: at most so often, and less often where it takes long. */
const tellMs = 200;
const tellMsPerThousand = 50;

export interface TableQuery {
  readonly namespace: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export type FeedState =
  | { readonly is: "loading" | "live" }
  /** What is shown may be old; it is being asked for again. */
  | { readonly is: "stale"; readonly why: string };

/** A kind's table as the server prints it, live: listed page by page, then followed by one watch. */
export class TableFeed {
  readonly rows = new Map<string, Row>();
  columns: readonly Column[] = [];
  state: FeedState = { is: "loading" };
  /** Rises with each change of rows or columns. */
  version = 0;
  readonly #client: RestClient;
  readonly #kind: DiscoveredResource;
  readonly #query: TableQuery;
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #ending = new AbortController();
  #telling: (() => void) | undefined;
  #resourceVersion = "";

  constructor(
    client: RestClient,
    kind: DiscoveredResource,
    query: TableQuery,
    { clock, changed }: { readonly clock: Clock; readonly changed: () => void },
  ) {
    this.#client = client;
    this.#kind = kind;
    this.#query = query;
    this.#clock = clock;
    this.#changed = changed;
    void this.#run();
  }

  close(): void {
    this.#ending.abort();
    this.#telling?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    let waitMs = 0;
    for (let isListed = false; !signal.aborted; ) {
      try {
        if (!isListed) await this.#list();
        isListed = true;
        this.#take({ is: "live" });
        await this.#watch();
        waitMs = 0;
      } catch (error) {
        if (signal.aborted) return;
        isListed = false;
        const isGone = error instanceof ApiError && error.code === 410;
        if (!isGone) this.#take({ is: "stale", why: error instanceof Error ? error.message : String(error) });
        waitMs = isGone ? 0 : Math.min(retryMs.most, Math.max(retryMs.first, waitMs * 2));
      }
      await pause(this.#clock, waitMs, signal);
    }
  }

  async #list(): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = this.#query;
    const path = resourcePath(this.#kind, { namespace });
    const fresh = new Map<string, Row>();
    const isFirst = this.state.is === "loading";
    for (let next: string | undefined; ; ) {
      const query = { limit: pageItems, labelSelector, fieldSelector, continue: next };
      const text = await this.#client.raw("GET", path, undefined, {
        accept,
        query,
        signal: this.#ending.signal,
      });
      const table = JSON.parse(text) as Table;
      this.#add(table, fresh);
      this.#resourceVersion = table.metadata?.resourceVersion ?? "";
      next = table.metadata?.continue || undefined;
      // The first time, what has come is shown while the rest comes; later the old rows stand until all new ones are here.
      if (isFirst) this.#add(table, this.rows);
      if (isFirst) this.#soon();
      if (next === undefined) break;
    }
    this.rows.clear();
    for (const [key, row] of fresh) this.rows.set(key, row);
    this.#soon();
  }

  async #watch(): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = this.#query;
    // The same path, but what comes are tables of one row.
    const tables = this.#kind as unknown as Resource<Table>;
    const resourceVersion = this.#resourceVersion;
    const options = { namespace, labelSelector, fieldSelector, resourceVersion, accept };
    const watch = this.#client.watch(tables, { ...options, allowWatchBookmarks: true }, this.#ending.signal);
    for await (const event of watch) {
      if (event.type === "BOOKMARK") {
        this.#resourceVersion = event.resourceVersion || this.#resourceVersion;
        continue;
      }
      for (const row of event.object.rows ?? []) {
        this.#resourceVersion = row.object.metadata.resourceVersion ?? this.#resourceVersion;
        if (event.type === "DELETED") this.rows.delete(rowKey(row));
        else this.rows.set(rowKey(row), row);
      }
      this.#soon();
    }
  }

  #add(table: Table, rows: Map<string, Row>): void {
    if (table.columnDefinitions?.length) this.columns = table.columnDefinitions;
    for (const row of table.rows ?? []) rows.set(rowKey(row), row);
  }

  #take(state: FeedState): void {
    this.state = state;
    this.#soon();
  }

  #soon(): void {
    this.version++;
    if (this.#telling !== undefined || this.#ending.signal.aborted) return;
    const ms = this.state.is === "loading" ? 0 : tellMs + (this.rows.size / 1_000) * tellMsPerThousand;
    this.#telling = this.#clock.after(ms, () => {
      this.#telling = undefined;
      this.#changed();
    });
  }
}
