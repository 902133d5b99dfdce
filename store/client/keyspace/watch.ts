import { deferred } from "../../../base/deferred.ts";
import type { Event } from "../../../proto/mvcc.ts";
import type { Watcher, WatchOptions } from "../watcher.ts";
import type { Watch, WatchBatch, WatchEvent } from "./api.ts";
import type { Entries } from "./entries.ts";

export class OpenWatch<V> implements Watch<V> {
  readonly started: Promise<number>;
  readonly #watcher: Watcher;
  readonly #entries: Entries<V>;

  constructor(entries: Entries<V>, open: (hooks: Pick<WatchOptions, "onCreated" | "onOver">) => Watcher) {
    this.#entries = entries;
    const started = deferred<number>();
    this.started = started.promise;
    started.promise.catch(() => undefined); // who iterates hears of it as well
    this.#watcher = open({
      onCreated: started.resolve,
      onOver: (error) => started.reject(error ?? new Error("the watch was closed before it began")),
    });
  }

  get nextRevision(): number {
    return this.#watcher.nextRevision;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent<V>, void> {
    for await (const { events } of this.batches()) yield* events;
  }

  async *batches(): AsyncGenerator<WatchBatch<V>, void> {
    for await (const batch of this.#watcher) {
      if (batch.kind !== "events") continue;
      yield { events: batch.events.map((event) => this.#event(event)), revision: batch.revision };
    }
  }

  close(): void {
    this.#watcher.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #event({ type, kv, prevKv }: Event): WatchEvent<V> {
    if (kv === undefined) throw new Error("the store sent an event without a key");
    const previous = this.#entries.entryIfAny(prevKv);
    const { key } = this.#entries.info(kv);
    const revision = kv.modRevision;
    if (type === "DELETE") return { type: "delete", key, revision, entry: undefined, previous };
    return { type: "put", key, revision, entry: this.#entries.entry(kv), previous };
  }
}
