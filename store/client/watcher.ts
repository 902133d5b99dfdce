import { type Deferred, deferred } from "../../base/deferred.ts";
import type { WatchCreateRequest, WatchResponse } from "../../proto/etcd.ts";
import type { Event } from "../../proto/mvcc.ts";

export interface WatchOptions {
  readonly key: Uint8Array;
  /** Absent: the one key. `[0]`: from `key` to the end. Else up to but without it. */
  readonly rangeEnd?: Uint8Array | undefined;
  /** First revision of interest; 0 or absent: from now on. */
  readonly startRevision?: number | undefined;
  readonly prevKv?: boolean | undefined;
  /** Ask for a progress message now and then while nothing happens. */
  readonly progressNotify?: boolean | undefined;
  /** Lets the server cut large answers in pieces; they are joined again here. */
  readonly fragment?: boolean | undefined;
  readonly filters?: WatchCreateRequest["filters"] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the server watches; `revision` is its current one then. */
  readonly onCreated?: ((revision: number) => void) | undefined;
  /** Called once, when the watch failed, or was closed: then without an error. */
  readonly onOver?: ((error: unknown) => void) | undefined;
}

export type WatchBatch =
  /** The first message: the server watches; `revision` is its current one. Not repeated after a reconnect. */
  | { readonly kind: "created"; readonly revision: number }
  /** One or more whole revisions in order. */
  | { readonly kind: "events"; readonly revision: number; readonly events: readonly Event[] }
  /** Everything up to and including `revision` has been delivered. */
  | { readonly kind: "progress"; readonly revision: number };

/** What is queued for a consumer that does not read, before its watch is taken off the stream. */
export interface BufferMax {
  readonly events: number;
  readonly bytes: number;
}

/** What becomes of a watcher when it took a message in. */
export type Intake = "ok" | "full";

/** One watch as its consumer sees it: an async iterable that ends when closed and throws when the watch failed. Knows
 *  where to continue; the mux moves it between streams.
 *  Invariant: every event with mod revision below `nextRevision` was queued exactly once, none at or above it was. */
export class Watcher implements AsyncIterableIterator<WatchBatch, undefined> {
  readonly options: WatchOptions;
  readonly #bufferMax: BufferMax;
  readonly #onDrained: () => void;
  readonly #onClosed: () => void;
  readonly #queue: WatchBatch[] = [];
  #queuedEvents = 0;
  #queuedBytes = 0;
  /** Of a revision that has come in part. */
  #partial: readonly Event[] = [];
  #nextRevision: number;
  #announced = false;
  #waiting: Deferred<IteratorResult<WatchBatch, undefined>> | undefined;
  #over: { readonly error?: unknown } | undefined;

  constructor(
    options: WatchOptions,
    parts: {
      readonly bufferMax: BufferMax;
      /** The consumer has taken everything that was queued. */
      readonly onDrained: () => void;
      readonly onClosed: () => void;
    },
  ) {
    this.options = options;
    this.#nextRevision = options.startRevision ?? 0;
    this.#bufferMax = parts.bufferMax;
    this.#onDrained = parts.onDrained;
    this.#onClosed = parts.onClosed;
  }

  get nextRevision(): number {
    return this.#nextRevision;
  }

  /** The request that continues where this watcher stands. */
  createRequest(watchId: bigint): Partial<WatchCreateRequest> {
    const { key, rangeEnd, prevKv = false, progressNotify = false, fragment = false, filters } = this.options;
    this.#partial = [];
    return {
      key,
      rangeEnd: rangeEnd ?? new Uint8Array(0),
      startRevision: this.#nextRevision,
      prevKv,
      progressNotify,
      fragment,
      filters: filters ?? [],
      watchId,
    };
  }

  created(revision: number): void {
    if (this.#nextRevision === 0) this.#nextRevision = revision + 1;
    if (this.#announced) return;
    this.#announced = true;
    this.options.onCreated?.(revision);
    this.#offer({ kind: "created", revision });
  }

  /** Events or progress for this watcher. */
  take(response: WatchResponse): Intake {
    const revision = response.header?.revision ?? 0;
    if (response.events.length === 0 && !response.fragment && this.#partial.length === 0) {
      this.progress(revision);
      return "ok";
    }
    const came = response.events as readonly Event[];
    const events = this.#partial.length === 0 ? came : [...this.#partial, ...came];
    // Where the server cuts its answer into pieces the last revision of a piece may not be whole.
    const lastRevision = revisionOf(events.at(-1));
    const wholeBefore = response.fragment ? lastRevision : Number.POSITIVE_INFINITY;
    this.#partial = response.fragment ? events.filter((event) => revisionOf(event) >= wholeBefore) : [];
    // A server may repeat what it sent before the stream broke; a repeat is never partly new.
    const from = this.#nextRevision;
    const fresh = events.filter((event) => revisionOf(event) >= from && revisionOf(event) < wholeBefore);
    const last = fresh.at(-1);
    if (last === undefined) return "ok";
    this.#nextRevision = revisionOf(last) + 1;
    const reached = response.fragment ? lastRevision - 1 : Math.max(revision, this.#nextRevision - 1);
    this.#offer({ kind: "events", revision: reached, events: fresh });
    const { events: eventsMax, bytes: bytesMax } = this.#bufferMax;
    return this.#queuedEvents > eventsMax || this.#queuedBytes > bytesMax ? "full" : "ok";
  }

  progress(revision: number): void {
    if (this.#nextRevision === 0 || revision + 1 < this.#nextRevision) return;
    this.#nextRevision = revision + 1;
    const last = this.#queue.at(-1);
    if (last?.kind === "progress") this.#queue.pop(); // the newer one says more
    this.#offer({ kind: "progress", revision });
  }

  /** Ends the iteration with an error after what is queued. */
  fail(error: unknown): void {
    if (this.#over !== undefined) return;
    this.#over = { error };
    this.#settle();
    this.options.onOver?.(error);
  }

  /** The consumer wants no more; what is queued is dropped. Idempotent. */
  close(): void {
    const wasOver = this.#over !== undefined;
    this.#over = {};
    this.#queue.length = 0;
    this.#queuedEvents = 0;
    this.#queuedBytes = 0;
    this.#settle();
    if (wasOver) return;
    this.#onClosed();
    this.options.onOver?.(undefined);
  }

  next(): Promise<IteratorResult<WatchBatch, undefined>> {
    const batch = this.#queue.shift();
    if (batch !== undefined) {
      if (batch.kind === "events") {
        this.#queuedEvents -= batch.events.length;
        this.#queuedBytes -= bytesOfEvents(batch.events);
      }
      if (this.#queue.length === 0 && this.#over === undefined) this.#onDrained();
      return Promise.resolve({ done: false, value: batch });
    }
    if (this.#over !== undefined) {
      const { error } = this.#over;
      this.#over = {};
      return error === undefined
        ? Promise.resolve({ done: true, value: undefined })
        : Promise.reject(error as Error);
    }
    if (this.#waiting !== undefined) throw new Error("a watcher has one consumer");
    this.#waiting = deferred();
    return this.#waiting.promise;
  }

  return(): Promise<IteratorResult<WatchBatch, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #offer(batch: WatchBatch): void {
    if (this.#over !== undefined) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: batch });
      return;
    }
    this.#queue.push(batch);
    if (batch.kind !== "events") return;
    this.#queuedEvents += batch.events.length;
    this.#queuedBytes += bytesOfEvents(batch.events);
  }

  #settle(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#over === undefined) return;
    this.#waiting = undefined;
    const { error } = this.#over;
    this.#over = {};
    if (error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(error);
  }
}

const revisionOf = (event: Event | undefined): number => event?.kv?.modRevision ?? 0;

function bytesOfEvents(events: readonly Event[]): number {
  let bytes = 0;
  for (const { kv, prevKv } of events)
    bytes += (kv?.key.length ?? 0) + (kv?.value.length ?? 0) + (prevKv?.value.length ?? 0);
  return bytes;
}
