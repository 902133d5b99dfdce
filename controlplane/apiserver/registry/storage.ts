/** What the registry needs of a store: ordered byte strings with revisions, and an ordered stream of their changes.
 *  Implemented over etcd's v3 API and in memory; one suite for both (storage.suite.ts).
 *  Revisions are numbers: etcd's int64, checked to stay within 2^53 - 1 where they are decoded. */
export interface Storage {
  /** Linearizable. `revision` is the store's at the time of the read. */
  get(key: string): Promise<{ readonly entry: StoredEntry | undefined; readonly revision: number }>;
  /** Entries whose key starts with `prefix`, by key. Linearizable unless `revision` names an older state.
   *  Fails with StorageError `compacted` or `future` for a revision outside history. */
  list(prefix: string, options?: ListOptions): Promise<ListResult>;
  /** All writes in one revision if every comparison holds; else nothing. */
  commit(transaction: Transaction): Promise<CommitResult>;
  /** The store's current revision, linearizable: every write acknowledged before the call is at or below it. */
  revision(): Promise<number>;
  /** Every change under `prefix` from `fromRevision` on, in order, without gap or repeat, a revision's changes
   *  together. Ends when the signal aborts; fails with `compacted` when history is gone. */
  watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncIterable<ChangeBatch>;
  /** Forgets history below `revision`. Compacting what is compacted already is no error. */
  compact(revision: number): Promise<void>;
  close(): Promise<void>;
}

export interface StoredEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly modRevision: number;
  /** It is encrypted otherwise than it would be now: writing it again mends that. */
  readonly isStale?: true;
}

export interface ListOptions {
  /** At most so many entries; absent is all. */
  readonly limit?: number;
  /** The first key wanted (inclusive), for the next page. */
  readonly startKey?: string;
  readonly revision?: number;
}

export interface ListResult {
  readonly entries: readonly StoredEntry[];
  readonly revision: number;
  /** Entries from `startKey` on, the returned ones included. */
  readonly count: number;
}

/** Holds when the key's last change is that revision; 0: when the key is absent. */
export interface Comparison {
  readonly key: string;
  readonly modRevision: number;
}

export type Write =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array; readonly ttlSeconds?: number }
  | { readonly type: "delete"; readonly key: string };

/** At most 64 comparisons and 64 writes, each key written once. */
export interface Transaction {
  readonly compare: readonly Comparison[];
  readonly writes: readonly Write[];
}

export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  /** `current[i]` is what stands under `compare[i].key`. */
  | { readonly ok: false; readonly revision: number; readonly current: readonly (StoredEntry | undefined)[] };

export interface ChangeBatch {
  readonly revision: number;
  readonly changes: readonly Change[];
}
export type Change =
  | {
      readonly type: "put";
      readonly key: string;
      readonly value: Uint8Array;
      readonly modRevision: number;
      /** There is a value, and it cannot be had: it is encrypted with a key that nobody has. */
      readonly unreadable?: UnreadableValue;
    }
  | { readonly type: "delete"; readonly key: string; readonly modRevision: number };

/** `compacted`, `future`: the revision asked for is outside history. `unavailable`: nothing was done, try again.
 *  `unknown`: a write may or may not have happened. */
export type StorageErrorCode = "compacted" | "future" | "unavailable" | "unknown";

export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** A stored value that cannot be decrypted. */
export class UnreadableValue extends Error {
  override readonly name = "UnreadableValue";
}

/** The smallest key greater than every key with this prefix. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
