import { unlessAborted } from "../../../base/unless-aborted.ts";
import { CallError } from "../call-error.ts";
import { prefixEnd } from "../keys.ts";
import type { StoreClient } from "../store-client.ts";
import { compareCreate, opDelete, opGet, opPut } from "../txn.ts";
import type { Lease } from "./api.ts";
import { LeaseLostError } from "./lease.ts";

/** A place in a queue: a key below the queue's prefix, named by its lease, in the order in which these came to be. The first in
 *  it has what the queue is for. This is how etcd's own locks and elections work (`etcdctl lock`, `etcdctl elect`, Go's
 *  `concurrency`), so that they exclude each other. */
export class QueuePlace {
  readonly key: Uint8Array;
  /** When it was taken: it rises from each place to the next. */
  readonly revision: number;
  /** The lease had none before. */
  readonly isNew: boolean;
  readonly #client: StoreClient;
  readonly #prefix: Uint8Array;
  readonly #lost = new AbortController();
  readonly #ended = new AbortController();

  private constructor(
    client: StoreClient,
    place: {
      readonly prefix: Uint8Array;
      readonly key: Uint8Array;
      readonly revision: number;
      readonly isNew: boolean;
    },
    lease: Lease,
  ) {
    this.#client = client;
    this.#prefix = place.prefix;
    this.key = place.key;
    this.revision = place.revision;
    this.isNew = place.isNew;
    const lose = () => this.#lose(lease.signal.reason);
    lease.signal.addEventListener("abort", lose, { once: true, signal: this.#ended.signal });
    if (lease.signal.aborted) lose();
  }

  /** Takes the last place, or the one that the lease has already: its value is then written anew. One that is had only after the
   *  signal has aborted is left. */
  static async take(
    client: StoreClient,
    queue: { readonly prefix: Uint8Array; readonly value: Uint8Array },
    lease: Lease,
    signal?: AbortSignal,
  ): Promise<QueuePlace> {
    const taking = QueuePlace.#take(client, queue, lease);
    if (signal === undefined) return taking;
    try {
      return await unlessAborted(taking, signal);
    } catch (error) {
      if (signal.aborted)
        taking.then((place) => (place.isNew ? place.leave() : place.end())).catch(() => undefined); // it goes with its lease
      throw error;
    }
  }

  static async #take(
    client: StoreClient,
    { prefix, value }: { readonly prefix: Uint8Array; readonly value: Uint8Array },
    lease: Lease,
  ): Promise<QueuePlace> {
    const key = Buffer.concat([prefix, Buffer.from(lease.id.toString(16))]);
    const put = opPut(key, value, { lease: lease.id });
    const taken = await client.txn(
      { compare: [compareCreate(key, "EQUAL", 0)], success: [put], failure: [opGet(key), put] },
      { isRepeatable: true },
    );
    const before = taken.responses[0]?.responseRange?.kvs[0]?.createRevision;
    const revision = taken.succeeded ? taken.revision : (before ?? 0);
    return new QueuePlace(client, { prefix, key, revision, isNew: taken.succeeded }, lease);
  }

  /** Aborts when the place is no more: with its lease, or because somebody deleted its key. The reason is a LeaseLostError. Not
   *  before `untilFirst` resolved is the key looked at. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Resolves when nobody is before it. Rejects when the place is lost, and with the reason of the signal. */
  async untilFirst(signal?: AbortSignal): Promise<void> {
    const either = AbortSignal.any([this.#lost.signal, ...(signal ? [signal] : [])]);
    for (;;) {
      const { kv, revision } = await this.#before(either);
      if (kv === undefined) break;
      await this.#untilGone(kv.key, revision + 1, either);
    }
    const own = await this.#client.get(this.key, { signal: either });
    if (own.kv?.createRevision !== this.revision) this.#lose(new LeaseLostError("the place was taken away"));
    this.#lost.signal.throwIfAborted();
    void this.#watchOwn(own.revision + 1);
  }

  async isFirst(signal?: AbortSignal): Promise<boolean> {
    return (await this.#before(signal)).kv === undefined;
  }

  /** Nothing is heard of it any more. */
  end(): void {
    this.#ended.abort();
  }

  /** Frees it; that it is gone already is fine. One that another life of the same lease has taken stays. */
  async leave(): Promise<void> {
    this.end();
    const own = compareCreate(this.key, "EQUAL", this.revision);
    await this.#client.txn({ compare: [own], success: [opDelete(this.key)] });
  }

  #before(signal?: AbortSignal) {
    return this.#client.get(this.#prefix, {
      rangeEnd: prefixEnd(this.#prefix),
      maxCreateRevision: this.revision - 1,
      sortTarget: "CREATE",
      sortOrder: "DESCEND",
      limit: 1,
      keysOnly: true,
      signal,
    });
  }

  async #untilGone(key: Uint8Array, startRevision: number, signal: AbortSignal): Promise<void> {
    try {
      for await (const batch of this.#client.watch({ key, startRevision, signal }))
        if (batch.kind === "events" && batch.events.some(({ type }) => type === "DELETE")) return;
    } catch (error) {
      // What it waited for lies before what is left of history: whoever asks again is told how it stands now.
      if (!(error instanceof CallError && error.code === "COMPACTED")) throw error;
    }
    signal.throwIfAborted();
  }

  /** Never rejects. */
  async #watchOwn(startRevision: number): Promise<void> {
    const { signal } = this.#ended;
    for (let from = startRevision; !signal.aborted; ) {
      const watch = { key: this.key, startRevision: from, signal, filters: ["NOPUT"] as const };
      try {
        for await (const batch of this.#client.watch(watch))
          if (batch.kind === "events") return this.#lose(new LeaseLostError("the key was deleted"));
        return; // left, or the client is closed
      } catch (error) {
        if (!(error instanceof CallError && error.code === "COMPACTED")) return this.#doubt(error);
      }
      try {
        const { kv, revision } = await this.#client.get(this.key, { signal });
        if (kv?.createRevision !== this.revision) this.#lose(new LeaseLostError("the key was deleted"));
        from = revision + 1;
      } catch (error) {
        this.#doubt(error);
      }
    }
  }

  #doubt(cause: unknown): void {
    this.#lose(new LeaseLostError("whether the place is still held cannot be told", { cause }));
  }

  #lose(reason: unknown): void {
    if (!this.#ended.signal.aborted) this.#lost.abort(reason);
    this.#ended.abort();
  }
}
