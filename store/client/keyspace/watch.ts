import { deferred } from "../../../base/deferred.ts";
import type { Event } from "../../../proto/mvcc.ts";
import type { Watcher, WatchOptions } from "../watcher.ts";
import type { Watch, WatchBatch, WatchEvent } from "./api.ts";
import type { Entries } from "./entries.ts";
import { type Pull, Pulled } from "./pulled.ts";

export class OpenWatch<V> implements Watch<V> {
  readonly started: Promise<number>;
  readonly #watcher: Watcher;
  readonly #entries: Entries<V>;
  /** As they came. Those from `#at` on are to be told; all up to `#revision` is with the last of them. */
  #events: readonly Event[] = [];
  #at = 0;
  #revision = 0;
  #nextRevision: number;
  #isIterated = false;
  /** Nobody wants what has come. */
  #isClosed = false;

  constructor(
    entries: Entries<V>,
    from: number,
    open: (hooks: Pick<WatchOptions, "onCreated" | "onOver">) => Watcher,
  ) {
    this.#entries = entries;
    this.#nextRevision = from;
    const started = deferred<number>();
    this.started = started.promise;
    started.promise.catch(() => undefined); // who iterates hears of it as well
    this.#watcher = open({
      onCreated: (revision) => {
        if (this.#nextRevision === 0) this.#nextRevision = revision + 1;
        started.resolve(revision);
      },
      onOver: (error) => {
        this.#isClosed ||= error === undefined;
        started.reject(error ?? new Error("the watch was closed before it began"));
      },
    });
  }

  get nextRevision(): number {
    return this.#nextRevision;
  }

  [Symbol.asyncIterator](): AsyncGenerator<WatchEvent<V>, void> {
    return this.#iteration(() => {
      const event = this.#events[this.#at];
      if (event === undefined) return;
      const told = this.#event(event);
      this.#goTo(this.#at + 1);
      return told;
    });
  }

  batches(): AsyncGenerator<WatchBatch<V>, void> {
    return this.#iteration(() => {
      const events = this.#at === 0 ? this.#events : this.#events.slice(this.#at);
      if (events.length === 0) return;
      const told: WatchEvent<V>[] = [];
      for (const event of events)
        try {
          told.push(this.#event(event));
        } catch (error) {
          // What was changed before is told first; then this one's turn comes.
          const bad = event.kv?.modRevision ?? 0;
          const before = told.filter((one) => one.revision < bad);
          if (before.length === 0) throw error;
          this.#goTo(this.#at + before.length);
          return { events: before, revision: bad - 1 };
        }
      this.#goTo(this.#events.length);
      return { events: told, revision: this.#revision };
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#watcher.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** @param take What is there to be told; undefined: nothing yet. */
  #iteration<T>(take: () => T | undefined): AsyncGenerator<T, void> {
    if (this.#isIterated && !this.#isClosed) throw new TypeError("a watch is iterated over once");
    this.#isIterated = true;
    const wait = async (): Promise<Pull<T>> => {
      for (;;) {
        const { done, value } = await this.#watcher.next();
        if (done) return { done, value };
        if (value.kind === "created") continue;
        this.#events = value.kind === "events" ? value.events : [];
        this.#revision = value.revision;
        this.#goTo(0);
        const told = take();
        if (told !== undefined) return { done: false, value: told };
      }
    };
    const pull = (): Pull<T> | Promise<Pull<T>> => {
      if (this.#isClosed) return { done: true, value: undefined };
      const told = take();
      return told === undefined ? wait() : { done: false, value: told };
    };
    return new Pulled(pull, () => this.close());
  }

  #goTo(at: number): void {
    this.#at = at;
    this.#nextRevision = this.#events[at]?.kv?.modRevision ?? this.#revision + 1;
  }

  #event({ type, kv, prevKv }: Event): WatchEvent<V> {
    if (kv === undefined) throw new Error("the store sent an event without a key");
    const previous = this.#entries.entryIfAny(prevKv);
    const { key, keyBytes } = this.#entries.info(kv);
    const revision = kv.modRevision;
    if (type === "DELETE") return { type: "delete", key, keyBytes, revision, entry: undefined, previous };
    return { type: "put", key, keyBytes, revision, entry: this.#entries.entry(kv), previous };
  }
}
