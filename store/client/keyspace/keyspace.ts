import { checkOptions, shown, wholeNumber } from "../../../base/options.ts";
import { CallError } from "../call-error.ts";
import type { RangeResult, StoreClient } from "../store-client.ts";
import type {
  CallOptions,
  Election,
  Keyspace,
  Lease,
  LeaseLike,
  Lock,
  LockOptions,
  RangeReadOptions,
  ReadOptions,
  Transaction,
  UpdateResult,
  Watch,
  WatchSettings,
  WriteOptions,
} from "./api.ts";
import { callOptions } from "./call-options.ts";
import type { Codec } from "./codec.ts";
import { QueueElection } from "./election.ts";
import { Entries, type Entry, type KeyInfo, type Page } from "./entries.ts";
import { KeptLease, type LeaseParts } from "./lease.ts";
import { leaseId } from "./lease-id.ts";
import { acquire, type LockParts, tryAcquire } from "./lock.ts";
import type { Key, KeyFolder, Where } from "./places.ts";
import { TransactionBuilder } from "./transaction.ts";
import { updated } from "./update.ts";
import { OpenWatch } from "./watch.ts";

const targets = {
  key: "KEY",
  version: "VERSION",
  createRevision: "CREATE",
  modRevision: "MOD",
  value: "VALUE",
} as const;
const pageEntries = 500;
const ttl = wholeNumber(1);

export class OpenKeyspace<V> implements Keyspace<V> {
  readonly #client: StoreClient;
  readonly #parts: LeaseParts;
  readonly #entries: Entries<V>;

  constructor(parts: LeaseParts, folder: KeyFolder, codec: Codec<V>) {
    this.#client = parts.client;
    this.#parts = parts;
    this.#entries = new Entries(folder, codec);
  }

  namespace(prefix: Key): Keyspace<V>;
  namespace<W>(prefix: Key, codec: Codec<W>): Keyspace<W>;
  namespace<W>(prefix: Key, codec?: Codec<W>): Keyspace<V> | Keyspace<W> {
    const folder = this.#entries.folder.within(prefix);
    return codec === undefined
      ? new OpenKeyspace(this.#parts, folder, this.#entries.codec)
      : new OpenKeyspace(this.#parts, folder, codec);
  }

  as<W>(codec: Codec<W>): Keyspace<W> {
    return new OpenKeyspace(this.#parts, this.#entries.folder, codec);
  }

  async get(key: Key, options: ReadOptions = {}): Promise<Entry<V> | undefined> {
    checkOptions(options, callOptions.read);
    const { kv } = await this.#client.get(this.#entries.folder.key(key), options);
    return this.#entries.entryIfAny(kv);
  }

  async range(where: Where, options: RangeReadOptions = {}): Promise<Page<Entry<V>>> {
    checkOptions(options, callOptions.range);
    const found = await this.#read(where, rangeOptions(options));
    return { ...pageOf(found), entries: found.kvs.map((kv) => this.#entries.entry(kv)) };
  }

  async keys(where: Where, options: RangeReadOptions = {}): Promise<Page<KeyInfo>> {
    checkOptions(options, callOptions.range);
    const found = await this.#read(where, { ...rangeOptions(options), keysOnly: true });
    return { ...pageOf(found), entries: found.kvs.map((kv) => this.#entries.info(kv)) };
  }

  async count(where: Where, options: ReadOptions = {}): Promise<number> {
    checkOptions(options, callOptions.read);
    return (await this.#read(where, { ...rangeOptions(options), countOnly: true })).count;
  }

  async *entries(
    where: Where,
    options: ReadOptions & { readonly pageSize?: number } = {},
  ): AsyncGenerator<Entry<V>, void> {
    checkOptions(options, callOptions.entries);
    const { pageSize = pageEntries, ...read } = options;
    const { key, rangeEnd } = this.#entries.folder.span(where);
    for await (const page of this.#client.pages(key, { ...rangeOptions(read), rangeEnd, limit: pageSize }))
      for (const kv of page.kvs) yield this.#entries.entry(kv);
  }

  async revision(options: CallOptions = {}): Promise<number> {
    checkOptions(options, callOptions.call);
    // Any linearizable read tells; this one looks up a key that is hardly ever there, and may be read by whoever may read here.
    const key = this.#entries.folder.key("\0");
    return (await this.#client.get(key, { ...options, countOnly: true })).revision;
  }

  async put(
    key: Key,
    value: V,
    options: WriteOptions = {},
  ): Promise<{ readonly revision: number; readonly previous: Entry<V> | undefined }> {
    checkOptions(options, callOptions.put);
    const { lease, previous = false, ...call } = options;
    const written = this.#entries.bytes(key, value);
    const settings = { ...call, lease: leaseId(lease), prevKv: previous };
    const { revision, prevKv } = await this.#client.put(this.#entries.folder.key(key), written, settings);
    return { revision, previous: this.#entries.entryIfAny(prevKv) };
  }

  async delete(
    where: Where,
    options: CallOptions & { readonly previous?: boolean } = {},
  ): Promise<{
    readonly revision: number;
    readonly deleted: number;
    readonly previous: readonly Entry<V>[];
  }> {
    checkOptions(options, callOptions.delete);
    const { previous = false, ...call } = options;
    const { key, rangeEnd } = this.#entries.folder.span(where);
    const answer = await this.#client.delete(key, { ...call, rangeEnd, prevKv: previous });
    const { revision, deleted, prevKvs } = answer;
    return { revision, deleted, previous: prevKvs.map((kv) => this.#entries.entry(kv)) };
  }

  async update(
    key: Key,
    change: (value: V | undefined) => V | undefined | Promise<V | undefined>,
    options: CallOptions & { readonly lease?: LeaseLike | undefined } = {},
  ): Promise<UpdateResult<V>> {
    checkOptions(options, callOptions.update);
    if (typeof change !== "function") throw new TypeError(`change: ${shown(change)} must be a function`);
    return updated(this, { key, change, ...options });
  }

  txn(): Transaction<V> {
    return new TransactionBuilder(this.#client, this.#entries);
  }

  async compact(revision: number, options: CallOptions = {}): Promise<void> {
    checkOptions(options, callOptions.call);
    checkOptions({ revision }, { revision: wholeNumber(0) });
    if (revision === undefined) throw new TypeError("revision: says nothing");
    try {
      await this.#client.compact(revision, options);
    } catch (error) {
      if (!(error instanceof CallError && error.code === "COMPACTED")) throw error;
    }
  }

  watch(where: Where, settings: WatchSettings = {}): Watch<V> {
    checkOptions(settings, callOptions.watch);
    const { key, rangeEnd } = this.#entries.folder.span(where);
    const { from, previous, only, signal } = settings;
    const filters = only === undefined ? [] : [only === "put" ? ("NODELETE" as const) : ("NOPUT" as const)];
    return new OpenWatch(this.#entries, from ?? 0, (hooks) =>
      this.#client.watch({
        key: Uint8Array.from(key), // it is asked for again, whatever becomes of the caller's bytes
        rangeEnd,
        startRevision: from,
        prevKv: previous,
        fragment: true,
        filters,
        signal,
        ...hooks,
      }),
    );
  }

  async lease(
    ttlSeconds: number,
    options: { readonly renew?: boolean; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Lease> {
    checkOptions(options, callOptions.lease);
    if (!ttl.fits(ttlSeconds)) throw new TypeError(`ttlSeconds: ${shown(ttlSeconds)} must be ${ttl.must}`);
    return KeptLease.grant(this.#parts, ttlSeconds, { renew: options.renew ?? true, signal: options.signal });
  }

  async lock(name: Key, options: LockOptions = {}): Promise<Lock> {
    return acquire(this.#queue(name), options);
  }

  async tryLock(name: Key, options: LockOptions = {}): Promise<Lock | undefined> {
    return tryAcquire(this.#queue(name), options);
  }

  election(name: Key): Election<V> {
    return new QueueElection(this.#queue(name), this.#entries);
  }

  #queue(name: Key): LockParts {
    const prefix = Buffer.concat([this.#entries.folder.key(name), Buffer.from("/")]);
    return {
      client: this.#client,
      prefix,
      lease: (ttlSeconds, signal) => this.lease(ttlSeconds, { signal }),
    };
  }

  #read(where: Where, options: ReturnType<typeof rangeOptions> & { keysOnly?: true; countOnly?: true }) {
    const { key, rangeEnd } = this.#entries.folder.span(where);
    return this.#client.range(key, { ...options, rangeEnd });
  }
}

function rangeOptions({ sortBy, order, ...rest }: RangeReadOptions) {
  return {
    ...rest,
    ...(sortBy !== undefined && { sortTarget: targets[sortBy] }),
    ...((sortBy !== undefined || order !== undefined) && {
      sortOrder: order === "descending" ? ("DESCEND" as const) : ("ASCEND" as const),
    }),
  };
}

const pageOf = ({ count, more, revision }: RangeResult) => ({ count, more, revision });
