import type { Clock } from "../../../base/os/clock.ts";
import type { KeyValue } from "../../../proto/mvcc.ts";
import { CallError } from "../../../store/client/call-error.ts";
import { mayRetry } from "../../../store/client/failover.ts";
import { bytesOf, prefixEnd } from "../../../store/client/keys.ts";
import type { StoreClient } from "../../../store/client/store-client.ts";
import { compareMod, type Op, opDelete, opGet, opPut } from "../../../store/client/txn.ts";
import { fateOf, happensOnce, isWritten } from "./commit-fate.ts";
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

  /** A transaction whose fate is unknown is sent again only where it cannot take effect twice; what became of the first sending
   *  is then looked up. Where that cannot be told the write fails with `unknown`, never with what would invite a repetition. */
  async commit(transaction: Transaction): Promise<CommitResult> {
    const request = {
      compare: transaction.compare.map(({ key, modRevision }) => compareMod(key, "EQUAL", modRevision)),
      success: await this.#operations(transaction.writes),
      failure: transaction.compare.map(({ key }) => opGet(key)),
    };
    let uncertain: StorageError | undefined;
    const deadlineMs = this.#clock.monotonicMs() + this.#timeouts.commitMs;
    const timeoutMs = () =>
      Math.max(1, Math.min(this.#timeouts.requestMs, deadlineMs - this.#clock.monotonicMs()));
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await translated(this.#client.txn(request, { timeoutMs: timeoutMs() }));
        const { revision } = answer;
        if (answer.succeeded) return { ok: true, revision };
        const current = answer.responses
          .map(({ responseRange }) => responseRange?.kvs[0])
          .map((kv) => kv && entryOf(kv));
        if (uncertain === undefined) return { ok: false, revision, current };
        const fate = await fateOf(transaction, current, (key, at) => this.#readAt(key, at, timeoutMs()));
        if (fate.kind === "done") return { ok: true, revision: fate.revision || revision };
        if (fate.kind === "notDone") return { ok: false, revision, current };
        throw uncertain;
      } catch (error) {
        if (!(error instanceof StorageError) || error === uncertain) throw error;
        // What was not done this time may have been before.
        if (error.code === "unknown") uncertain = error;
        else throw uncertain ?? error;
        if (this.#clock.monotonicMs() >= deadlineMs || attempt >= commitAttemptsMax) throw uncertain;
        if (!happensOnce(transaction)) return await this.#lookFor(transaction, uncertain, timeoutMs());
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

  async #readAt(key: string, revision: number, timeoutMs: number): Promise<StoredEntry | undefined> {
    const { kv } = await translated(this.#client.get(key, { revision, timeoutMs }));
    return kv && entryOf(kv);
  }

  /** Whether what a transaction creates is there; else nobody knows. */
  async #lookFor(
    { compare, writes }: Transaction,
    uncertain: StorageError,
    timeoutMs: number,
  ): Promise<CommitResult> {
    const write = writes.find(({ key }) => key === compare[0]?.key);
    if (write === undefined) throw uncertain;
    try {
      const { kv } = await this.#client.get(write.key, { timeoutMs });
      if (kv !== undefined && isWritten(write, entryOf(kv))) return { ok: true, revision: kv.modRevision };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
    }
    throw uncertain;
  }

  /** Only what ends by itself has to wait for anything: its lease. */
  #operations(writes: readonly Write[]): readonly Op[] | Promise<readonly Op[]> {
    const all = writes.map((write) => this.#operation(write));
    return all.some((one) => one instanceof Promise) ? Promise.all(all) : (all as readonly Op[]);
  }

  #operation(write: Write): Op | Promise<Op> {
    if (write.type === "delete") return opDelete(write.key);
    const { key, value, ttlSeconds } = write;
    if (ttlSeconds === undefined) return opPut(key, value);
    return translated(this.#leases.lease(ttlSeconds)).then((lease) => opPut(key, value, { lease }));
  }
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
  if (mayRetry(error, "write") || error.code === "TOO_MANY_REQUESTS")
    return new StorageError("unavailable", error.message, error);
  if (["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"].includes(error.status))
    return new StorageError("unknown", error.message, error);
  return error;
}
