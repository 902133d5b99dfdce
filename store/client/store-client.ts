import { setMaxListeners } from "node:events";
import { deferred } from "../../base/deferred.ts";
import type { Encodable } from "../../base/protobuf.ts";
import type { KeyValue, RangeResponse, ResponseOp } from "../../proto/etcd.ts";
import type { WireMember } from "../../proto/etcd-cluster.ts";
import type { StatusResponse } from "../../proto/etcd-maintenance.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import { CallError } from "./call-error.ts";
import { type Endpoint, parseEndpoint } from "./endpoints.ts";
import { closedError, type FailoverParts, withFailover } from "./failover.ts";
import { type Bytes, nextKey } from "./keys.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import type { ClientTransport } from "./transport.ts";
import {
  type DeleteOptions,
  deleteRequestOf,
  isReadOnly,
  type PutOptions,
  putRequestOf,
  type RangeOptions,
  rangeRequestOf,
  type Txn,
  txnRequestOf,
} from "./txn.ts";
import { WatchMux } from "./watch-mux.ts";
import type { Watcher, WatchOptions } from "./watcher.ts";

export interface CallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  /** Keys in the range, whatever the limit. */
  readonly count: number;
  /** The store's revision when it answered. */
  readonly revision: number;
}
export interface StoreClientParts extends FailoverParts {
  readonly transport: ClientTransport;
  readonly timeoutMs: number;
}

/** etcd's API as methods. Made by `openStoreClient`; every failure is a `CallError` or the abort reason of the signal. */
export class StoreClient {
  readonly #parts: StoreClientParts;
  readonly #watches: WatchMux;
  readonly #leases: LeaseKeeper;
  readonly #closing = new AbortController();

  constructor(parts: StoreClientParts) {
    setMaxListeners(0, this.closing);
    this.#parts = { ...parts, closing: this.closing };
    this.#watches = new WatchMux(parts);
    this.#leases = new LeaseKeeper(this.#parts);
  }

  async get(
    key: Bytes,
    options: RangeOptions & CallOptions = {},
  ): Promise<{ readonly kv: KeyValue | undefined; readonly revision: number }> {
    const { kvs, revision } = await this.range(key, options);
    return { kv: kvs[0], revision };
  }

  async range(key: Bytes, options: RangeOptions & CallOptions = {}): Promise<RangeResult> {
    const { timeoutMs, signal, ...range } = options;
    const request = rangeRequestOf(key, range);
    // A serializable read is served by a member that knows no leader.
    const requireLeader = range.serializable !== true;
    const call = { timeoutMs, signal, effect: "read", requireLeader } as const;
    return rangeResult(await this.#call(methods.range, request, call));
  }

  /** A large range in pages of `limit` keys in key order, all of them as of one revision. */
  async *pages(
    key: Bytes,
    options: RangeOptions & CallOptions & { readonly limit: number },
  ): AsyncGenerator<RangeResult, void> {
    let from: Bytes = key;
    let revision = options.revision ?? 0;
    for (;;) {
      const page = await this.range(from, { ...options, revision });
      if (revision === 0) revision = page.revision;
      yield page;
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return;
      from = nextKey(last.key);
    }
  }

  async put(
    key: Bytes,
    value: Bytes,
    options: PutOptions & CallOptions = {},
  ): Promise<{ readonly revision: number; readonly prevKv: KeyValue | undefined }> {
    const answer = await this.#call(methods.put, putRequestOf(key, value, options), write(options));
    return { revision: answer.header?.revision ?? 0, prevKv: answer.prevKv };
  }

  async delete(
    key: Bytes,
    options: DeleteOptions & CallOptions = {},
  ): Promise<{ readonly revision: number; readonly deleted: number; readonly prevKvs: readonly KeyValue[] }> {
    const answer = await this.#call(methods.deleteRange, deleteRequestOf(key, options), write(options));
    return { revision: answer.header?.revision ?? 0, deleted: answer.deleted, prevKvs: answer.prevKvs };
  }

  /** @param options `isRepeatable`: done twice it comes to the same, so that it may be sent again. */
  async txn(
    txn: Txn,
    options: CallOptions & { readonly isRepeatable?: boolean } = {},
  ): Promise<{
    readonly revision: number;
    readonly succeeded: boolean;
    readonly responses: readonly ResponseOp[];
  }> {
    const call = options.isRepeatable || isReadOnly(txn) ? read(options) : write(options);
    const { header, succeeded, responses } = await this.#call(methods.txn, txnRequestOf(txn), call);
    return { revision: header?.revision ?? 0, succeeded, responses };
  }

  /** Drops history before `revision`. Asking again for what is already compacted fails with code COMPACTED. */
  async compact(
    revision: number,
    options: CallOptions & { readonly physical?: boolean } = {},
  ): Promise<void> {
    const { physical = false } = options;
    await this.#call(methods.compact, { revision, physical }, write(options));
  }

  /** Watches from `options.startRevision`; close it with `close()` or by leaving the `for await`. */
  watch(options: WatchOptions): Watcher {
    if (this.closing.aborted) throw closedError(this.closing);
    return this.#watches.watch(options);
  }

  /** Asks for a progress message on every watch of this client; false when there is no stream at the moment. */
  requestWatchProgress(): boolean {
    return this.#watches.requestProgress();
  }

  /** A new lease of `ttlSeconds`; the store may raise the time. */
  async grantLease(
    ttlSeconds: number,
    options: CallOptions & { readonly id?: bigint } = {},
  ): Promise<{ readonly id: bigint; readonly ttlSeconds: number }> {
    const request = { ttl: ttlSeconds, id: options.id ?? 0n };
    const answer = await this.#call(methods.leaseGrant, request, write(options));
    return { id: answer.id, ttlSeconds: answer.ttl };
  }

  async revokeLease(id: bigint, options: CallOptions = {}): Promise<void> {
    await this.#call(methods.leaseRevoke, { id }, write(options));
  }

  /** `ttlSeconds` is -1 for a lease that does not exist (any more). */
  async leaseTimeToLive(
    id: bigint,
    options: CallOptions & { readonly keys?: boolean } = {},
  ): Promise<{
    readonly ttlSeconds: number;
    readonly grantedTtlSeconds: number;
    readonly keys: readonly Uint8Array[];
  }> {
    const request = { id, keys: options.keys ?? false };
    const answer = await this.#call(methods.leaseTimeToLive, request, read(options));
    return { ttlSeconds: answer.ttl, grantedTtlSeconds: answer.grantedTtl, keys: answer.keys };
  }

  async leases(options: CallOptions = {}): Promise<readonly bigint[]> {
    const answer = await this.#call(methods.leaseLeases, {}, read(options));
    return answer.leases.map((lease) => lease.id);
  }

  /** Renews once; the time left in seconds, 0 when the lease is gone. */
  keepAliveOnce(id: bigint, options: CallOptions = {}): Promise<number> {
    return this.#leases.once(id, options);
  }

  /** Renews until the signal aborts (then resolves) or the lease is gone (then rejects with code LEASE_NOT_FOUND). */
  keepAlive(id: bigint, signal: AbortSignal): Promise<void> {
    return this.#leases.keep(id, signal);
  }

  async members(
    options: CallOptions & { readonly linearizable?: boolean } = {},
  ): Promise<readonly WireMember[]> {
    const request = { linearizable: options.linearizable ?? true };
    return (await this.#call(methods.memberList, request, read(options))).members;
  }

  /** What one member says of itself. */
  async status(url: string, options: CallOptions = {}): Promise<StatusResponse> {
    const endpoint = this.endpoints.find((known) => known.url === url) ?? parseEndpoint(url);
    return this.callAt(endpoint, methods.status, {}, options);
  }

  get endpoints(): readonly Endpoint[] {
    return this.#parts.ring.all;
  }

  /** Aborts when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Any unary method, at whichever member answers. */
  call<Q extends object, A extends object>(
    method: Method<Q, A>,
    request: Encodable<Q>,
    options: CallOptions & { readonly effect: "read" | "write" },
  ): Promise<A> {
    return this.#call(method, request, { ...options, requireLeader: true });
  }

  /** Any unary method at one given member, without failover. */
  async callAt<Q extends object, A extends object>(
    endpoint: Endpoint,
    method: Method<Q, A>,
    request: Encodable<Q>,
    options: CallOptions = {},
  ): Promise<A> {
    const { timeoutMs = this.#parts.timeoutMs, signal } = options;
    const bytes = method.request.encode(request);
    const settings = { timeoutMs, signal, requireLeader: false };
    return decodeAnswer(method, await this.#parts.transport.unary(endpoint, method.path, bytes, settings));
  }

  /** Hands each message of a server's stream, at one given member, to `take`; resolves when it ended in good order. */
  async receiveAt<Q extends object, A extends object>(
    url: string,
    method: Method<Q, A>,
    request: Encodable<Q>,
    { signal }: { readonly signal: AbortSignal },
    take: (message: A) => void,
  ): Promise<void> {
    signal.throwIfAborted();
    const endpoint = this.endpoints.find((known) => known.url === url) ?? parseEndpoint(url);
    const ended = deferred<void>();
    const stop = () => ended.reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const settings = { requireLeader: false };
    const stream = this.#parts.transport.stream(endpoint, method.path, settings, {
      message: (bytes) => {
        try {
          take(decodeAnswer(method, bytes));
        } catch (error) {
          ended.reject(error instanceof Error ? error : new Error(String(error)));
        }
      },
      end: (error) => (error === undefined ? ended.resolve() : ended.reject(error)),
    });
    stream.send(method.request.encode(request));
    stream.halfClose();
    try {
      await ended.promise;
    } finally {
      signal.removeEventListener("abort", stop);
      stream.cancel();
    }
  }

  /** Ends all watches and keep-alives and closes the connections. What is asked later fails for this reason. Idempotent. */
  close(reason = "the client is closed"): void {
    this.#end(reason);
  }

  /** The same where there is nothing left to ask: watches end with an error. */
  fail(reason: string): void {
    this.#end(reason, new CallError("UNAVAILABLE", reason, { sent: false }));
  }

  #end(reason: string, error?: CallError): void {
    this.#closing.abort(new Error(reason));
    this.#watches.close(error);
    this.#parts.transport.close();
  }

  async #call<Q extends object, A extends object>(
    method: Method<Q, A>,
    request: Encodable<Q>,
    options: CallOptions & { readonly effect: "read" | "write"; readonly requireLeader: boolean },
  ): Promise<A> {
    const { signal, effect, requireLeader } = options;
    const bytes = method.request.encode(request);
    const call = { effect, signal, timeoutMs: options.timeoutMs ?? this.#parts.timeoutMs };
    const answer = await withFailover(this.#parts, call, (endpoint, time) =>
      this.#parts.transport.unary(endpoint, method.path, bytes, { ...time, signal, requireLeader }),
    );
    return decodeAnswer(method, answer);
  }
}

const read = ({ timeoutMs, signal }: CallOptions) =>
  ({ timeoutMs, signal, effect: "read", requireLeader: true }) as const;
const write = ({ timeoutMs, signal }: CallOptions) =>
  ({ timeoutMs, signal, effect: "write", requireLeader: true }) as const;

function decodeAnswer<Q extends object, A extends object>(method: Method<Q, A>, bytes: Uint8Array): A {
  try {
    return method.response.decode(bytes);
  } catch (cause) {
    throw new CallError("INTERNAL", `the server sent a malformed answer to ${method.path}`, { cause });
  }
}

function rangeResult(answer: RangeResponse): RangeResult {
  const { kvs, more, count } = answer;
  return { kvs: kvs as readonly KeyValue[], more, count, revision: answer.header?.revision ?? 0 };
}
