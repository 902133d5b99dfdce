import type { Clock } from "../../../base/os/clock.ts";
import type { KeyValue } from "../../../proto/mvcc.ts";
import { CallError } from "../../../store/client/call-error.ts";
import { bytesOf, prefixEnd } from "../../../store/client/keys.ts";
import type { StoreClient } from "../../../store/client/store-client.ts";
import { compareMod, type Op, opDelete, opGet, opPut } from "../../../store/client/txn.ts";
import { LeasePool } from "./lease-pool.ts";
import type {
  Change,
  ChangeBatch,
  CommitResult,
  ListOptions,
  ListResult,
  Storage,
  StoredEntry,
  Transaction,
  Write,
} from "./storage.ts";
import { StorageError } from "./storage.ts";

/** Entries asked for at a time, so that no answer outgrows gRPC's message limit. */
const pageEntries = 500;
/** How often a write whose fate is unknown is sent again; each time waits for the store's own deadline. */
const commitAttemptsMax = 3;
/** How long the store is waited for: long enough for an election, short enough to tell a client while it listens. */
export interface StoreTimeouts {
  readonly requestMs: number;
  /** All sendings of a write together. */
  readonly commitMs: number;
}
export const storeTimeouts: StoreTimeouts = { requestMs: 5000, commitMs: 8000 };
const neverWritten = "\0";
const decoder = new TextDecoder();

/** The registry's store over etcd's v3 API: Pintle's own store or any other. */
export class EtcdStorage implements Storage {
  readonly #client: StoreClient;
  readonly #clock: Clock;
  readonly #timeouts: StoreTimeouts;
  readonly #leases: LeasePool;

  constructor(client: StoreClient, clock: Clock, timeouts: StoreTimeouts = storeTimeouts) {
    this.#client = client;
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#leases = new LeasePool(client, clock);
  }

  async get(key: string): Promise<{ entry: StoredEntry | undefined; revision: number }> {
    const { kv, revision } = await translated(this.#client.get(key));
    return { entry: kv && entryOf(kv), revision };
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    const wanted = options.limit ?? Number.POSITIVE_INFINITY;
    const entries: StoredEntry[] = [];
    let from = bytesOf(options.startKey ?? prefix);
    let revision = options.revision ?? 0;
    let count = 0;
    for (;;) {
      const limit = Math.min(pageEntries, wanted - entries.length);
      const page = await translated(
        this.#client.range(from, { rangeEnd: prefixEnd(prefix), limit, revision }),
      );
      if (revision === 0) revision = page.revision;
      if (entries.length === 0) count = page.count;
      for (const kv of page.kvs) entries.push(entryOf(kv));
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined || entries.length >= wanted) return { entries, revision, count };
      from = new Uint8Array([...last.key, 0]);
    }
  }

  /** A transaction whose fate is unknown is sent again: its comparisons let it happen once, and what stands under its
   *  first key then tells whether the first sending did it. */
  async commit(transaction: Transaction): Promise<CommitResult> {
    const request = {
      compare: transaction.compare.map(({ key, modRevision }) => compareMod(key, "EQUAL", modRevision)),
      success: await Promise.all(transaction.writes.map((write) => this.#operation(write))),
      failure: transaction.compare.map(({ key }) => opGet(key)),
    };
    let uncertain = false;
    const deadlineMs = this.#clock.monotonicMs() + this.#timeouts.commitMs;
    for (let attempt = 1; ; attempt++) {
      const leftMs = deadlineMs - this.#clock.monotonicMs();
      const timeoutMs = Math.max(1, Math.min(this.#timeouts.requestMs, leftMs));
      try {
        const { succeeded, revision, responses } = await translated(this.#client.txn(request, { timeoutMs }));
        if (succeeded) return { ok: true, revision };
        const current = responses
          .map(({ responseRange }) => responseRange?.kvs[0])
          .map((kv) => kv && entryOf(kv));
        const done = uncertain ? doneBefore(transaction, current[0]) : undefined;
        return done === undefined
          ? { ok: false, revision, current }
          : { ok: true, revision: done || revision };
      } catch (error) {
        const repeatable = error instanceof StorageError && error.code === "unknown";
        const late = this.#clock.monotonicMs() >= deadlineMs;
        if (!repeatable || late || attempt >= commitAttemptsMax) throw error;
        uncertain = true;
      }
    }
  }

  async revision(): Promise<number> {
    // Any linearizable read tells; this one looks up a key that is never there.
    const { revision } = await translated(this.#client.get(neverWritten, { countOnly: true }));
    return revision;
  }

  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    const key = bytesOf(prefix);
    const watcher = this.#client.watch({
      key,
      rangeEnd: prefixEnd(prefix),
      startRevision: fromRevision,
      fragment: true,
      signal,
    });
    try {
      for await (const batch of watcher) {
        if (batch.kind !== "events") continue;
        yield* byRevision(batch.events.map(changeOf));
      }
    } catch (error) {
      if (signal.aborted) return;
      throw translate(error);
    }
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#client.compact(revision);
    } catch (error) {
      if (error instanceof CallError && error.code === "COMPACTED") return;
      throw translate(error);
    }
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  async #operation(write: Write): Promise<Op> {
    if (write.type === "delete") return opDelete(write.key);
    if (write.ttlSeconds === undefined) return opPut(write.key, write.value);
    return opPut(write.key, write.value, { lease: await translated(this.#leases.lease(write.ttlSeconds)) });
  }
}

/** The revision at which an earlier sending of the transaction happened (0: unknown), or `undefined` if none did. */
function doneBefore({ compare, writes }: Transaction, current: StoredEntry | undefined): number | undefined {
  const guard = compare[0];
  const write = writes.find(({ key }) => key === guard?.key);
  if (guard === undefined || write === undefined) return undefined;
  if (write.type === "delete") return current === undefined && guard.modRevision > 0 ? 0 : undefined;
  const same = current !== undefined && Buffer.compare(current.value, write.value) === 0;
  return same ? current.modRevision : undefined;
}

function entryOf(kv: KeyValue): StoredEntry {
  return { key: decoder.decode(kv.key), value: kv.value, modRevision: kv.modRevision };
}

function changeOf(event: { readonly type: string; readonly kv?: KeyValue | undefined }): Change {
  const { kv } = event;
  if (kv === undefined) throw new StorageError("unavailable", "the store sent an event without a key");
  const key = decoder.decode(kv.key);
  if (event.type === "DELETE") return { type: "delete", key, modRevision: kv.modRevision };
  return { type: "put", key, value: kv.value, modRevision: kv.modRevision };
}

function* byRevision(changes: readonly Change[]): Generator<ChangeBatch> {
  let start = 0;
  for (let at = 1; at <= changes.length; at++) {
    const revision = changes[start]?.modRevision ?? 0;
    if (at < changes.length && changes[at]?.modRevision === revision) continue;
    yield { revision, changes: changes.slice(start, at) };
    start = at;
  }
}

async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof CallError)) return error;
  if (error.code === "COMPACTED") return new StorageError("compacted", error.message, error);
  if (error.code === "FUTURE_REVISION") return new StorageError("future", error.message, error);
  if (error.status === "UNAVAILABLE" && !error.sent)
    return new StorageError("unavailable", error.message, error);
  if (["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"].includes(error.status))
    return new StorageError("unknown", error.message, error);
  return error;
}
