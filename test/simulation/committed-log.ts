import { int64, message, nested } from "../../base/protobuf.ts";
import { type InternalRaftRequest, internalRaftRequest } from "../../proto/etcd.ts";
import type { Index } from "../../store/raft/types.ts";
import type { AuthModel } from "../model/auth-model.ts";
import { EtcdModel, type ModelAnswer } from "../model/etcd-model.ts";
import type { LoggedEntry } from "./member-log.ts";

/** Clients add this field, unknown to the store, to what they send. The bytes travel unchanged into the log, so that every
 *  entry tells which operation it is. */
export const marker = message({ operation: int64(20_000) });
/** The same, around it: the numbers are those of InternalRaftRequest's put, deleteRange, txn, compaction, leaseGrant and
 *  leaseRevoke. */
const markers = message({
  put: nested(4, marker),
  deleteRange: nested(5, marker),
  txn: nested(6, marker),
  compaction: nested(7, marker),
  leaseGrant: nested(8, marker),
  leaseRevoke: nested(9, marker),
});

export interface Committed {
  readonly entry: LoggedEntry;
  readonly request: InternalRaftRequest | undefined;
  /** The client's operation; 0: the store's own. */
  readonly operation: number;
  readonly answer: ModelAnswer | undefined;
  /** After it. */
  readonly revision: number;
  readonly compactRevision: number;
  /** Users and roles after it. */
  readonly auth: AuthModel;
  /** When the first member was seen to have applied it. */
  readonly atMs: number;
}

export interface CommittedListener {
  committed(entry: Committed): void;
}

/** What the cluster has agreed on, replayed through the model: the truth that answers are held against. */
export class CommittedLog {
  readonly model = new EtcdModel();
  readonly #entries: Committed[] = [];
  readonly #byOperation = new Map<number, Committed>();
  /** The first index at which each revision was reached. */
  readonly #firstIndex: Index[] = [0, 0];
  readonly #listeners: readonly CommittedListener[];

  constructor(listeners: readonly CommittedListener[] = []) {
    this.#listeners = listeners;
  }

  /** Where who belongs to the cluster changed last. */
  lastConfChange: Index = 0;

  get lastIndex(): Index {
    return this.#entries.length;
  }

  at(index: Index): Committed | undefined {
    return this.#entries[index - 1];
  }

  of(operation: number): Committed | undefined {
    return this.#byOperation.get(operation);
  }

  get all(): readonly Committed[] {
    return this.#entries;
  }

  /** The revision after the entry. */
  revisionAt(index: Index): number {
    return index === 0 ? 1 : (this.at(index)?.revision ?? Number.NaN);
  }

  compactRevisionAt(index: Index): number {
    return index === 0 ? -1 : (this.at(index)?.compactRevision ?? Number.NaN);
  }

  /** The indexes after which the revision is `revision`; undefined for one that was never reached. */
  indexesOf(revision: number): { readonly first: Index; readonly last: Index } | undefined {
    const first = this.#firstIndex[revision];
    if (first === undefined) return undefined;
    const next = this.#firstIndex[revision + 1];
    return { first, last: next === undefined ? this.lastIndex : next - 1 };
  }

  /** The leases after an entry, in rising order. */
  leasesAt(index: Index): readonly bigint[] {
    const leases = new Set<bigint>();
    for (const { request, answer } of this.#entries.slice(0, index)) {
      if (answer === undefined || "error" in answer) continue;
      if (request?.leaseGrant) leases.add(request.leaseGrant.id);
      if (request?.leaseRevoke) leases.delete(request.leaseRevoke.id);
    }
    return [...leases].sort((a, b) => (a < b ? -1 : 1));
  }

  /** The next entry was seen applied. */
  add(entry: LoggedEntry, atMs: number): void {
    const { model } = this;
    const holdsRequest = entry.type === "normal" && entry.data.length > 0;
    const request = holdsRequest ? internalRaftRequest.decode(entry.data) : undefined;
    const answer = request && model.apply(request);
    const operation = holdsRequest ? operationOf(entry.data) : 0;
    const { revision, compactRevision, auth } = model;
    const committed = { entry, request, operation, answer, revision, compactRevision, auth, atMs };
    this.#entries.push(committed);
    if (entry.type === "confChange") this.lastConfChange = entry.index;
    this.#firstIndex[revision] ??= entry.index;
    for (const listener of this.#listeners) listener.committed(committed);
    if (operation !== 0) this.#byOperation.set(operation, committed);
  }
}

function operationOf(data: Uint8Array): number {
  for (const one of Object.values(markers.decode(data))) if (one !== undefined) return one.operation;
  return 0;
}
