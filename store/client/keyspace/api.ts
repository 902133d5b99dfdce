import type { Codec } from "./codec.ts";
import type { Entry, KeyInfo, Page } from "./entries.ts";
import type { Key, Where } from "./places.ts";
import type { Action, Condition, Outcome } from "./transaction-parts.ts";

/** What every call takes. */
export interface CallOptions {
  /** By default what the client was opened with: 10,000. Then it rejects with a CallError. */
  readonly timeoutMs?: number | undefined;
  /** Gives the call up: it rejects with the signal's reason. What was sent may be done all the same. */
  readonly signal?: AbortSignal | undefined;
}
export interface ReadOptions extends CallOptions {
  /** As it was at this revision; by default as it is. */
  readonly revision?: number | undefined;
  /** Whatever the member that is asked has: faster, and without a leader, but it may be behind. By default a read sees every
   *  write that was answered before it began. */
  readonly serializable?: boolean | undefined;
}
export interface RangeReadOptions extends ReadOptions {
  /** At most so many entries; 0, the default: all. */
  readonly limit?: number | undefined;
  /** By default in the order of keys. */
  readonly sortBy?: "key" | "version" | "createRevision" | "modRevision" | "value" | undefined;
  /** By default `ascending`. */
  readonly order?: "ascending" | "descending" | undefined;
  /** Only those that were written last at such a revision. 0, the default: no bound. */
  readonly minModRevision?: number | undefined;
  readonly maxModRevision?: number | undefined;
  /** Only those that came to be at such a revision. 0, the default: no bound. */
  readonly minCreateRevision?: number | undefined;
  readonly maxCreateRevision?: number | undefined;
}
export interface WriteOptions extends CallOptions {
  /** The key ends with the lease. */
  readonly lease?: LeaseLike | undefined;
  /** Answer what was there before. */
  readonly previous?: boolean | undefined;
}
export interface WatchSettings {
  /** The first revision of interest. By default from now on: from when `started` resolves. */
  readonly from?: number | undefined;
  /** Tell what was there before each event. */
  readonly previous?: boolean | undefined;
  /** Events of one type alone. */
  readonly only?: "put" | "delete" | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}
/** A lease, or its id. */
export type LeaseLike = { readonly id: bigint } | bigint;

/** Keys and values, with what one does to them. Calls reject with CallError, whose `code` says what it was where it is one of the
 *  store's own answers, with the reason of their signal, with ValueError for values that are none of the codec, and with TypeError
 *  for keys and options that are none. */
export interface Keyspace<V> {
  /** The keys that begin with `prefix`, by what follows it: nothing done there is seen, or touches anything, outside.
   *  @param codec For their values; by default as here. */
  namespace(prefix: Key): Keyspace<V>;
  namespace<W>(prefix: Key, codec: Codec<W>): Keyspace<W>;
  /** The same keys with values of another kind. */
  as<W>(codec: Codec<W>): Keyspace<W>;

  /** What stands under a key; undefined: nothing. */
  get(key: Key, options?: ReadOptions): Promise<Entry<V> | undefined>;
  /** What stands under one key or many, in one answer: all of it as of one revision. For very many there is `entries`. */
  range(where: Where, options?: RangeReadOptions): Promise<Page<Entry<V>>>;
  /** The same without values. */
  keys(where: Where, options?: RangeReadOptions): Promise<Page<KeyInfo>>;
  /** How many there are. */
  count(where: Where, options?: ReadOptions): Promise<number>;
  /** Each entry of a range of any size, in the order of keys and all as of one revision, read a page at a time.
   *  @param options `pageSize`: entries a page; 500 by default. */
  entries(
    where: Where,
    options?: ReadOptions & { readonly pageSize?: number | undefined },
  ): AsyncGenerator<Entry<V>, void>;
  /** The store's revision: it rises by one with each write, whatever the key. */
  revision(options?: CallOptions): Promise<number>;

  /** Writes a value; answers the store's revision then. */
  put(
    key: Key,
    value: V,
    options?: WriteOptions,
  ): Promise<{ readonly revision: number; readonly previous: Entry<V> | undefined }>;
  /** Deletes one key or many; that there are none is fine. */
  delete(
    where: Where,
    options?: CallOptions & { readonly previous?: boolean | undefined },
  ): Promise<{ readonly revision: number; readonly deleted: number; readonly previous: readonly Entry<V>[] }>;
  /** Changes what stands under a key, however many do so at once: `change` is called with what is there, and again where somebody
   *  else was faster. It may be called with a value that is soon gone, and answers undefined to leave all as it is. */
  update(
    key: Key,
    change: (value: V | undefined) => V | undefined | Promise<V | undefined>,
    options?: CallOptions & { readonly lease?: LeaseLike | undefined },
  ): Promise<UpdateResult<V>>;
  /** A transaction, to be put together and committed. */
  txn(): Transaction<V>;
  /** Forgets history before the revision: reads there, and watches from there, fail with code `COMPACTED`. It is the whole
   *  store's, whatever the namespace. What is forgotten already is fine. */
  compact(revision: number, options?: CallOptions): Promise<void>;

  /** Watches one key or many. It begins at once, also where nobody iterates yet. */
  watch(where: Where, settings?: WatchSettings): Watch<V>;

  /** A new lease, which is renewed until it is revoked or lost.
   *  @param ttlSeconds How long it outlives its last renewal. The store may grant more: at least 1.5 election timeouts.
   *  @param options `renew: false`: it ends by itself, unless its `renew` is called. */
  lease(
    ttlSeconds: number,
    options?: { readonly renew?: boolean | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<Lease>;
  /** Waits in line for the lock of that name: whoever asked first has it first. `etcdctl lock` and Go's `concurrency.Mutex`, given
   *  the same name below the same namespace, wait for the same one. */
  lock(name: Key, options?: LockOptions): Promise<Lock>;
  /** The lock if nobody has it, or waits for it; else undefined. */
  tryLock(name: Key, options?: LockOptions): Promise<Lock | undefined>;
  /** The election of that name, the same as that of `etcdctl elect`. */
  election(name: Key): Election<V>;
}

/** What an update came to. */
export interface UpdateResult<V> {
  readonly value: V | undefined;
  /** Whether it was written. */
  readonly changed: boolean;
  /** The store's revision when it was written, or when it was found to be left alone. */
  readonly revision: number;
}

/** A transaction being put together: `txn().if(…).do(…).else(…).commit()`. Each step answers a new one; nothing happens before
 *  `commit`. All of it happens at one revision, or nothing. (There is no `then`, since a promise would call it.) */
export interface Transaction<
  V,
  D extends readonly Action<V>[] = readonly [],
  E extends readonly Action<V>[] = readonly [],
> {
  /** All conditions must hold, also those given before; without any, `do` runs. */
  if(...conditions: readonly Condition<V>[]): Transaction<V, D, E>;
  /** What happens if all conditions hold, after what was given before. */
  do<const A extends readonly Action<V>[]>(...actions: A): Transaction<V, readonly [...D, ...A], E>;
  /** What happens if one does not. */
  else<const A extends readonly Action<V>[]>(...actions: A): Transaction<V, D, readonly [...E, ...A]>;
  /** Runs it. Rejects with CallError: code `DUPLICATE_KEY` where it writes a key twice, `TOO_MANY_OPS` beyond 128 actions. */
  commit(options?: CallOptions): Promise<Outcome<V, D, E>>;
}

/** One change of one key. */
export type WatchEvent<V> =
  | {
      readonly type: "put";
      readonly key: string;
      /** The same as bytes, for keys that are no text. */
      readonly keyBytes: Uint8Array;
      /** The store's revision that changed it. */
      readonly revision: number;
      readonly entry: Entry<V>;
      /** What was there before, where `previous` was asked for and history still has it. */
      readonly previous: Entry<V> | undefined;
    }
  | {
      readonly type: "delete";
      readonly key: string;
      readonly keyBytes: Uint8Array;
      readonly revision: number;
      readonly entry: undefined;
      readonly previous: Entry<V> | undefined;
    };

/** All that one revision, or several in a row, changed. Events of one revision are never parted. */
export interface WatchBatch<V> {
  readonly events: readonly WatchEvent<V>[];
  /** Everything up to and including this revision has been told: go on from the next one. */
  readonly revision: number;
}

/** A watch that is open. Iterate over it once: over its events, or over `batches()`. It tells every change from its first
 *  revision on exactly once and in order, whichever member it is connected to, until it is closed, or its signal aborts: then the
 *  iteration ends. Where history that it still needs was compacted it throws CallError with code `COMPACTED`; it never skips.
 *  What the codec cannot read ends it with ValueError, after all that was changed before: whoever can do without it watches from
 *  the next revision after `nextRevision`. */
export interface Watch<V> extends AsyncIterable<WatchEvent<V>>, AsyncDisposable {
  /** Resolves with the store's revision when the store watches; rejects where it never will. */
  readonly started: Promise<number>;
  /** The first revision of which not all was told to who iterates: where another watch goes on. 0 before the watch has begun. */
  readonly nextRevision: number;
  /** Its events, all that came together at once. */
  batches(): AsyncGenerator<WatchBatch<V>, void>;
  /** Ends it. What was not read is dropped. Idempotent. */
  close(): void;
}

/** A lease: the keys that are put with it go when it ends. It is renewed, each third of its time, until it is revoked or lost; a
 *  process that dies or is cut off loses it when its time is over. (Other clients call one that is renewed a session.) */
export interface Lease extends AsyncDisposable {
  readonly id: bigint;
  /** What the store granted; it may be more than was asked for. */
  readonly ttlSeconds: number;
  /** Aborts as soon as the lease is gone, or may be: it was revoked, it expired, or it could not be renewed within its time. The
   *  reason is a LeaseLostError. Of a lease that is not renewed it tells of `revoke` alone. */
  readonly signal: AbortSignal;
  /** Renews it once; the seconds that it has now, 0 when it is gone. */
  renew(): Promise<number>;
  /** The seconds that it has left, -1 when it is gone. */
  secondsLeft(): Promise<number>;
  /** Ends it and the keys that hang on it. One that is gone already is fine. Rejects with CallError; then it is renewed no more
   *  all the same, and ends by itself. */
  revoke(): Promise<void>;
}

export interface LockOptions {
  /** How long the lock outlives a holder that dies or is cut off. By default 10 seconds; not with `lease`. */
  readonly ttlSeconds?: number | undefined;
  /** Hang it on this lease in place of one of its own: one lease has a lock once, and whoever asks again has it at once. */
  readonly lease?: Lease | undefined;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** A lock that is held. */
export interface Lock extends AsyncDisposable {
  /** Rises from each holder to the next: what the lock protects can refuse whoever comes with a lower one (a fencing token). */
  readonly revision: number;
  /** Aborts when the lock is lost before it was released: stop what it protects. The reason is a LeaseLostError. */
  readonly signal: AbortSignal;
  /** The next in line has it. That it was lost already is fine. Rejects with CallError; then it goes when its time is over. */
  release(): Promise<void>;
}

/** Of those who campaign one leads, the longest waiting, until it resigns or is lost; each says with a value who it is. */
export interface Election<V> {
  /** Waits until this candidate leads. */
  campaign(value: V, options?: LockOptions): Promise<Leadership<V>>;
  /** Who leads now; undefined: nobody. */
  leader(options?: CallOptions): Promise<Entry<V> | undefined>;
  /** Each leader from now on, the present one first, and each value that a leader proclaims; undefined while there is none. Ends
   *  when the signal aborts. */
  observe(options?: {
    readonly signal?: AbortSignal | undefined;
  }): AsyncGenerator<Entry<V> | undefined, void>;
}

/** An election that was won. */
export interface Leadership<V> extends AsyncDisposable {
  /** Rises from each leader to the next (a fencing token). */
  readonly revision: number;
  /** Aborts when the leadership is lost before this one resigned: stop leading. The reason is a LeaseLostError. */
  readonly signal: AbortSignal;
  /** Another value in place of that of the campaign. Rejects with LeaseLostError where this one leads no more. */
  proclaim(value: V, options?: CallOptions): Promise<void>;
  /** The next candidate leads. That the leadership was lost already is fine. */
  resign(): Promise<void>;
}
