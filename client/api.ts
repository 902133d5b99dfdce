import type { HeldLease } from "./held-lease.ts";
import type { Draft, KubeObject, ListMeta, Ref, Resource, WatchEvent } from "./types.ts";

/** What components ask of the cluster's API. `RestClient` speaks it over HTTPS, `FakeApi` in memory for tests.
 *  Every method rejects with `ApiError` when the server refuses and with `ConnectionError` when none answers. */
export interface ApiClient {
  get<T>(resource: Resource<T>, ref: Ref, options?: CallOptions): Promise<T>;
  /** Objects of one namespace or, without one, of all. `limit` gives pages: pass `metadata.continue` back. */
  list<T>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /** The namespace comes from the object's metadata; apiVersion and kind are filled in. */
  create<T>(resource: Resource<T>, object: Draft<T>, options?: WriteOptions): Promise<T>;
  /** Replaces; refused with 409 when `metadata.resourceVersion` is given and no longer the newest. */
  update<T>(resource: Resource<T>, object: Draft<T>, options?: WriteOptions): Promise<T>;
  /** Replaces only the status. */
  updateStatus<T>(resource: Resource<T>, object: Draft<T>, options?: WriteOptions): Promise<T>;
  patch<T>(resource: Resource<T>, ref: Ref, body: unknown, options: PatchOptions): Promise<T>;
  /** The object as it was or still is (finalizers, grace), or a Status when it is gone. */
  delete(resource: Resource<unknown>, ref: Ref, options?: DeleteOptions): Promise<KubeObject>;
  deleteCollection(resource: Resource<unknown>, options: ListOptions & DeleteOptions): Promise<void>;
  /** Ends when the server ends it or the signal aborts; an ERROR event throws `ApiError` (410: list anew). */
  watch<T>(resource: Resource<T>, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
  /** POST to a subresource such as `binding` or `eviction`. */
  createSubresource(
    resource: Resource<unknown>,
    ref: Ref,
    subresource: string,
    body: object,
    options?: CallOptions,
  ): Promise<KubeObject>;
}

export interface ObjectList<T> {
  items: T[];
  metadata: ListMeta;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Until the whole answer is here; 30 s by default. */
  readonly timeoutMs?: number;
  /** Of a write: it is refused with 412 (`isLeaseNotHeld`) where the server heeds it and the Lease is not held so any more. */
  readonly heldLease?: HeldLease | undefined;
}

export interface ListOptions extends CallOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  /** "0" takes what the server has in its cache; absent asks for the newest. */
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
}

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly allowWatchBookmarks?: boolean;
  /** Streams what exists first, closed by a BOOKMARK with `initialEventsEnd`. */
  readonly sendInitialEvents?: boolean;
  /** Another form of the objects, such as tables; JSON by default. */
  readonly accept?: string;
  /** The server ends the watch after this long. */
  readonly timeoutSeconds?: number;
}

export interface WriteOptions extends CallOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
}

export interface PatchOptions extends WriteOptions {
  /** merge: RFC 7396. json: RFC 6902. strategic: lists merge by key. apply: server-side apply (needs `fieldManager`). */
  readonly type: "merge" | "strategic" | "json" | "apply";
  readonly subresource?: string;
  /** apply: take fields over from other managers. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}
