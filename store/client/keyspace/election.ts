import { checkOptions } from "../../../base/options.ts";
import type { KeyValue } from "../../../proto/mvcc.ts";
import { CallError } from "../call-error.ts";
import { prefixEnd } from "../keys.ts";
import { compareCreate, opPut } from "../txn.ts";
import type { CallOptions, Election, Leadership, Lease, LockOptions } from "./api.ts";
import { callOptions } from "./call-options.ts";
import type { Entries, Entry } from "./entries.ts";
import { LeaseLostError } from "./lease.ts";
import { checkLockOptions, giveUp, type LockParts, leave, ttlSecondsDefault } from "./lock.ts";
import { Pulled } from "./pulled.ts";
import { QueuePlace } from "./queue-place.ts";

export class QueueElection<V> implements Election<V> {
  readonly #parts: LockParts;
  readonly #entries: Entries<V>;

  constructor(parts: LockParts, entries: Entries<V>) {
    this.#parts = parts;
    this.#entries = entries;
  }

  async campaign(value: V, options: LockOptions = {}): Promise<Leadership<V>> {
    checkLockOptions(options);
    const { client, prefix, lease } = this.#parts;
    const { signal, ttlSeconds = ttlSecondsDefault } = options;
    signal?.throwIfAborted();
    const written = this.#entries.bytes(prefix, value);
    const own = options.lease === undefined ? await lease(ttlSeconds, signal) : undefined;
    const hung = own ?? options.lease;
    if (hung === undefined) throw new TypeError("a candidate needs a lease");
    let place: QueuePlace | undefined;
    try {
      place = await QueuePlace.take(client, { prefix, value: written }, hung, signal);
      await place.untilFirst(signal);
      return new HeldLeadership(this.#parts, this.#entries, { place, lease: hung, isOwn: own !== undefined });
    } catch (error) {
      await giveUp(place, own).catch(() => undefined); // it goes with its lease
      throw error;
    }
  }

  async leader(options: CallOptions = {}): Promise<Entry<V> | undefined> {
    checkOptions(options, callOptions.call);
    const { kvs } = await this.#candidates({ ...options, limit: 1 });
    return this.#entries.entryIfAny(kvs[0]);
  }

  observe(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Entry<V> | undefined, void> {
    checkOptions(options, callOptions.observe);
    const end = new AbortController();
    const { signal = end.signal } = options;
    const either = AbortSignal.any([signal, end.signal]);
    const leaders = this.#leaders(either);
    return new Pulled(
      async () => {
        // Of what came together, nothing is told any more to who has ended it.
        if (either.aborted) return { done: true, value: undefined };
        try {
          return await leaders.next();
        } catch (error) {
          if (either.aborted) return { done: true, value: undefined };
          throw error;
        }
      },
      () => end.abort(),
    );
  }

  async *#leaders(signal: AbortSignal): AsyncGenerator<Entry<V> | undefined, void> {
    let told: number | undefined;
    while (!signal.aborted) {
      const { kvs, revision } = await this.#candidates({ signal });
      const candidates = new Map(kvs.map((kv) => [keyText(kv.key), kv]));
      const isNew = (leader: KeyValue | undefined): boolean => {
        const before = told;
        told = leader?.modRevision ?? 0;
        return before !== told;
      };
      const first = firstOf(candidates);
      if (isNew(first)) yield this.#entries.entryIfAny(first);
      const { prefix, client } = this.#parts;
      const watcher = client.watch({
        key: prefix,
        rangeEnd: prefixEnd(prefix),
        startRevision: revision + 1,
        signal,
      });
      try {
        for await (const batch of watcher) {
          if (batch.kind !== "events") continue;
          for (const { type, kv } of batch.events) {
            if (kv === undefined) continue;
            if (type === "DELETE") candidates.delete(keyText(kv.key));
            else candidates.set(keyText(kv.key), kv);
            const leader = firstOf(candidates);
            if (isNew(leader)) yield this.#entries.entryIfAny(leader);
          }
        }
        return;
      } catch (error) {
        if (!(error instanceof CallError && error.code === "COMPACTED")) throw error;
      }
    }
  }

  #candidates(options: CallOptions & { readonly limit?: number }) {
    const { client, prefix } = this.#parts;
    return client.range(prefix, {
      ...options,
      rangeEnd: prefixEnd(prefix),
      sortTarget: "CREATE",
      sortOrder: "ASCEND",
    });
  }
}

class HeldLeadership<V> implements Leadership<V> {
  readonly #parts: LockParts;
  readonly #entries: Entries<V>;
  readonly #place: QueuePlace;
  readonly #lease: Lease;
  readonly #ownLease: Lease | undefined;

  constructor(
    parts: LockParts,
    entries: Entries<V>,
    won: { readonly place: QueuePlace; readonly lease: Lease; readonly isOwn: boolean },
  ) {
    this.#parts = parts;
    this.#entries = entries;
    this.#place = won.place;
    this.#lease = won.lease;
    this.#ownLease = won.isOwn ? won.lease : undefined;
  }

  get revision(): number {
    return this.#place.revision;
  }

  get signal(): AbortSignal {
    return this.#place.signal;
  }

  async proclaim(value: V, options: CallOptions = {}): Promise<void> {
    checkOptions(options, callOptions.call);
    const { key, revision } = this.#place;
    const written = this.#entries.bytes(this.#parts.prefix, value);
    const { succeeded } = await this.#parts.client.txn(
      {
        compare: [compareCreate(key, "EQUAL", revision)],
        success: [opPut(key, written, { lease: this.#lease.id })],
      },
      options,
    );
    if (!succeeded) throw new LeaseLostError("this candidate leads no more");
  }

  async resign(): Promise<void> {
    await leave(this.#place, this.#ownLease);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign();
  }
}

const keyText = (key: Uint8Array): string => Buffer.from(key).toString("latin1");

function firstOf(candidates: ReadonlyMap<string, KeyValue>): KeyValue | undefined {
  let first: KeyValue | undefined;
  for (const one of candidates.values())
    if (first === undefined || one.createRevision < first.createRevision) first = one;
  return first;
}
