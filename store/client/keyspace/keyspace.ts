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
    const { kv } = await this.#client.get(this.#entries.folder.key(key), options);
    return this.#entries.entryIfAny(kv);
  }

  async range(where: Where, options: RangeReadOptions = {}): Promise<Page<Entry<V>>> {
    const found = await this.#read(where, rangeOptions(options));
    return { ...pageOf(found), entries: found.kvs.map((kv) => this.#entries.entry(kv)) };
  }

  async keys(where: Where, options: RangeReadOptions = {}): Promise<Page<KeyInfo>> {
    const found = await this.#read(where, { ...rangeOptions(options), keysOnly: true });
    return { ...pageOf(found), entries: found.kvs.map((kv) => this.#entries.info(kv)) };
  }

  async count(where: Where, options: ReadOptions = {}): Promise<number> {
    return (await this.#read(where, { ...rangeOptions(options), countOnly: true })).count;
  }

  async *entries(
    where: Where,
    options: ReadOptions & { readonly pageSize?: number } = {},
  ): AsyncGenerator<Entry<V>, void> {
    const { pageSize = pageEntries, ...read } = options;
    const { key, rangeEnd } = this.#entries.folder.span(where);
    for await (const page of this.#client.pages(key, { ...rangeOptions(read), rangeEnd, limit: pageSize }))
      for (const kv of page.kvs) yield this.#entries.entry(kv);
  }

  async revision(options: CallOptions = {}): Promise<number> {
    // Any linearizable read tells; this one looks up a key that is hardly ever there, and may be read by whoever may read here.
    const key = this.#entries.folder.key("\0");
    return (await this.#client.get(key, { ...options, countOnly: true })).revision;
  }

  async put(
    key: Key,
    value: V,
    options: WriteOptions = {},
  ): Promise<{ readonly revision: number; readonly previous: Entry<V> | undefined }> {
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
    const { previous = false, ...call } = options;
    const { key, rangeEnd } = this.#entries.folder.span(where);
    const answer = await this.#client.delete(key, { ...call, rangeEnd, prevKv: previous });
    const { revision, deleted, prevKvs } = answer;
    return { revision, deleted, previous: prevKvs.map((kv) => this.#entries.entry(kv)) };
  }

  update(
    key: Key,
    change: (value: V | undefined) => V | undefined | Promise<V | undefined>,
    options: CallOptions & { readonly lease?: LeaseLike | undefined } = {},
  ): Promise<UpdateResult<V>> {
    return updated(this, { key, change, ...options });
  }

  txn(): Transaction<V> {
    return new TransactionBuilder(this.#client, this.#entries);
  }

  async compact(revision: number, options: CallOptions = {}): Promise<void> {
    try {
      await this.#client.compact(revision, options);
    } catch (error) {
      if (!(error instanceof CallError && error.code === "COMPACTED")) throw error;
    }
  }

  watch(where: Where, settings: WatchSettings = {}): Watch<V> {
    const { key, rangeEnd } = this.#entries.folder.span(where);
    const { from, previous, only, signal } = settings;
    const filters = only === undefined ? [] : [only === "put" ? ("NODELETE" as const) : ("NOPUT" as const)];
    return new OpenWatch(this.#entries, (hooks) =>
      this.#client.watch({
        key,
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

  lease(
    ttlSeconds: number,
    options: { readonly renew?: boolean; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Lease> {
    return KeptLease.grant(this.#parts, ttlSeconds, { renew: options.renew ?? true, signal: options.signal });
  }

  lock(name: Key, options: LockOptions = {}): Promise<Lock> {
    return acquire(this.#queue(name), options);
  }

  tryLock(name: Key, options: LockOptions = {}): Promise<Lock | undefined> {
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
