import type {
  AlarmRequest,
  Compare,
  DeleteRangeRequest,
  InternalRaftRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../proto/etcd.ts";
import type { StoreErrorCode } from "../../store/errors.ts";
import {
  type AskedRange,
  type Asker,
  type AuthModel,
  changedAuth,
  noAuth,
  refusedRange,
  refusedRoot,
} from "./auth-model.ts";

export interface ModelKv {
  readonly key: string;
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly lease: bigint;
}
export interface ModelEvent {
  readonly type: "PUT" | "DELETE";
  readonly revision: number;
  readonly key: string;
  /** Absent for a deletion. */
  readonly kv: ModelKv | undefined;
  readonly previous: ModelKv | undefined;
}

export type ModelAnswer =
  | { readonly error: StoreErrorCode }
  | { readonly kind: "put"; readonly revision: number; readonly prevKv: ModelKv | undefined }
  | {
      readonly kind: "range";
      readonly revision: number;
      readonly kvs: readonly ModelKv[];
      readonly more: boolean;
      readonly count: number;
    }
  | {
      readonly kind: "deleteRange";
      readonly revision: number;
      readonly deleted: number;
      readonly prevKvs: readonly ModelKv[];
    }
  | {
      readonly kind: "txn";
      readonly revision: number;
      readonly succeeded: boolean;
      readonly responses: readonly ModelAnswer[];
    }
  | { readonly kind: "other" };

class ModelError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode) {
    super(code);
    this.code = code;
  }
}

const bytes = (value: Uint8Array): string => Buffer.from(value).toString("latin1");

export class EtcdModel {
  revision = 1;
  compactRevision = -1;
  /** Everything that ever happened, in order. */
  readonly events: ModelEvent[] = [];
  readonly leases = new Set<bigint>();
  auth: AuthModel = noAuth;
  /** Members that have raised the alarm for want of space. */
  readonly #full = new Set<bigint>();
  /** The keys as the events leave them; only to save walking through all events over and over. */
  readonly #live = new Map<string, ModelKv>();
  /** The revision that changes get now. */
  #writing = 2;

  /** What a log entry with this request does and answers. */
  apply(request: Partial<InternalRaftRequest>): ModelAnswer {
    const changesBefore = this.events.length;
    this.#writing = this.revision + 1;
    try {
      return this.#one(request);
    } catch (error) {
      if (error instanceof ModelError) return { error: error.code };
      throw error;
    } finally {
      if (this.events.length > changesBefore) this.revision = this.#writing;
    }
  }

  /** What a read outside the log answers. */
  read(request: RangeRequest): ModelAnswer {
    return this.apply({ range: request });
  }

  /** A model that knows nothing after `revision` (leases aside): for reads that were served then. */
  asOf(revision: number, compactRevision: number): EtcdModel {
    const then = new EtcdModel();
    for (const event of this.events) {
      if (event.revision > revision) break;
      then.#add(event);
    }
    then.revision = revision;
    then.compactRevision = compactRevision;
    return then;
  }

  /** Every key that was ever written. */
  keysEver(): ReadonlySet<string> {
    return new Set(this.events.map(({ key }) => key));
  }

  /** All keys as they were at a revision, in order. */
  keysAt(revision: number): ModelKv[] {
    if (revision >= (this.events.at(-1)?.revision ?? 0)) return inOrder(this.#live);
    const keys = new Map<string, ModelKv>();
    for (const event of this.events) {
      if (event.revision > revision) break;
      if (event.kv === undefined) keys.delete(event.key);
      else keys.set(event.key, event.kv);
    }
    return inOrder(keys);
  }

  #add(event: ModelEvent): void {
    this.events.push(event);
    if (event.kv === undefined) this.#live.delete(event.key);
    else this.#live.set(event.key, event.kv);
  }

  /** What a watch of a range that starts at `start` must see up to now. */
  eventsFor(range: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array }, start: number): ModelEvent[] {
    return this.events.filter((event) => event.revision >= start && within(event.key, range));
  }

  #one(request: Partial<InternalRaftRequest>): ModelAnswer {
    if (request.alarm) this.#alarm(request.alarm);
    if (this.#full.size > 0 && mayGrow(request)) throw new ModelError("NO_SPACE");
    this.#checkRights(request);
    this.#changeAuth(request);
    if (request.put) {
      this.#checkLease(request.put);
      this.#checkKey(request.put);
      return this.#put(request.put);
    }
    if (request.deleteRange) return this.#deleteRange(request.deleteRange);
    if (request.range) {
      this.#checkRange(request.range);
      return this.#range(request.range);
    }
    if (request.txn) return this.#txn(request.txn);
    if (request.compaction) this.#compact(request.compaction.revision);
    if (request.leaseGrant) this.#grant(request.leaseGrant.id);
    if (request.leaseRevoke) this.#revoke(request.leaseRevoke.id);
    return { kind: "other" };
  }

  #alarm({ action, memberId, alarm }: AlarmRequest): void {
    if (alarm !== "NOSPACE") return;
    if (action === "ACTIVATE") this.#full.add(memberId);
    if (action === "DEACTIVATE") this.#full.delete(memberId);
  }

  #changeAuth(request: Partial<InternalRaftRequest>): void {
    const after = changedAuth(this.auth, request);
    if (typeof after === "string") throw new ModelError(after);
    if (after !== undefined) this.auth = after;
    if (request.authenticate === undefined) return;
    if (!this.auth.isOn) throw new ModelError("AUTH_NOT_ENABLED");
    if (this.auth.users[request.authenticate.name] === undefined) throw new ModelError("AUTH_FAILED");
  }

  /** By what an entry says of who asked. */
  #checkRights(request: Partial<InternalRaftRequest>): void {
    if (!this.auth.isOn) return;
    const { username: name = "", authRevision: revision = 0 } = request.header ?? {};
    const asker = { name, revision };
    const refused = changesAuth(request)
      ? refusedRoot(this.auth, asker)
      : this.refused(request, asker, this.auth);
    if (refused !== undefined) throw new ModelError(refused);
  }

  /** Whether somebody may read what a read asks for, and would be refused how. */
  refused(request: Partial<InternalRaftRequest>, asker: Asker, auth: AuthModel): StoreErrorCode | undefined {
    for (const { act, range, isOfLease } of neededBy(request, (lease) => this.#keysOf(lease))) {
      if (isOfLease && auth.users[asker.name]?.roles.includes("root")) continue;
      const refused = refusedRange(auth, asker, range, act);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  #keysOf(lease: bigint): readonly string[] {
    return this.leases.has(lease) ? this.#now().flatMap((kv) => (kv.lease === lease ? [kv.key] : [])) : [];
  }

  #now(): ModelKv[] {
    return this.keysAt(this.#writing);
  }
  #changed(): boolean {
    return this.events.at(-1)?.revision === this.#writing;
  }
  #readRevision(): number {
    return this.#changed() ? this.#writing : this.#writing - 1;
  }

  #checkKey(request: PutRequest): void {
    const exists = this.#now().some((kv) => kv.key === bytes(request.key));
    if ((request.ignoreValue || request.ignoreLease) && !exists) throw new ModelError("KEY_NOT_FOUND");
  }

  #checkLease(request: PutRequest): void {
    if (request.lease !== 0n && !this.leases.has(request.lease)) throw new ModelError("LEASE_NOT_FOUND");
  }

  #put(request: PutRequest): ModelAnswer {
    const key = bytes(request.key);
    const previous = this.#now().find((kv) => kv.key === key);
    const kv: ModelKv = {
      key,
      value: request.ignoreValue ? (previous?.value ?? "") : bytes(request.value),
      lease: request.ignoreLease ? (previous?.lease ?? 0n) : request.lease,
      create: previous?.create ?? this.#writing,
      mod: this.#writing,
      version: (previous?.version ?? 0) + 1,
    };
    this.#add({ type: "PUT", revision: this.#writing, key, kv, previous });
    return { kind: "put", revision: this.#writing, prevKv: request.prevKv ? previous : undefined };
  }

  #delete(doomed: readonly ModelKv[]): void {
    for (const previous of doomed)
      this.#add({
        type: "DELETE",
        revision: this.#writing,
        key: previous.key,
        kv: undefined,
        previous,
      });
  }

  #deleteRange(request: DeleteRangeRequest): ModelAnswer {
    const doomed = this.#now().filter((kv) => within(kv.key, request));
    this.#delete(doomed);
    const prevKvs = request.prevKv ? doomed : [];
    return { kind: "deleteRange", revision: this.#readRevision(), deleted: doomed.length, prevKvs };
  }

  #checkRange(request: RangeRequest): void {
    if (request.revision > this.#readRevision()) throw new ModelError("FUTURE_REVISION");
    if (request.revision > 0 && request.revision < this.compactRevision) throw new ModelError("COMPACTED");
  }

  #range(request: RangeRequest): ModelAnswer {
    const at = request.revision > 0 ? request.revision : this.#writing;
    const all = this.keysAt(at).filter((kv) => within(kv.key, request));
    const revision = this.#readRevision();
    if (request.countOnly) return { kind: "range", revision, kvs: [], more: false, count: all.length };
    let kvs = all;
    const filtered = filters(request).length > 0;
    // etcd cuts before it sorts when no order is given.
    if (!filtered && request.sortOrder === "NONE" && request.limit > 0) kvs = kvs.slice(0, request.limit + 1);
    for (const passes of filters(request)) kvs = kvs.filter(passes);
    kvs = sorted(kvs, request);
    const more = request.limit > 0 && kvs.length > request.limit;
    if (more) kvs = kvs.slice(0, request.limit);
    if (request.keysOnly) kvs = kvs.map((kv) => ({ ...kv, value: "" }));
    return { kind: "range", revision, kvs, more, count: all.length };
  }

  #txn(request: TxnRequest): ModelAnswer {
    const plan = this.#plan(request);
    this.#check(plan.ops);
    return this.#run(plan);
  }

  /** All comparisons are made before the first operation. */
  #plan(request: TxnRequest): Plan {
    const succeeded = request.compare.every((compare) => this.#holds(compare));
    const ops = succeeded ? request.success : request.failure;
    return {
      succeeded,
      ops: ops.map((op) => (op.requestTxn ? { plan: this.#plan(op.requestTxn) } : { op })),
    };
  }

  /** One after the other. */
  #check(ops: Plan["ops"]): void {
    for (const one of ops) {
      if ("plan" in one) this.#check(one.plan.ops);
      else if (one.op.requestPut) {
        this.#checkLease(one.op.requestPut);
        this.#checkKey(one.op.requestPut);
      } else if (one.op.requestRange) this.#checkRange(one.op.requestRange);
    }
  }

  #run(plan: Plan): ModelAnswer {
    const responses = plan.ops.map((one): ModelAnswer => {
      if ("plan" in one) return this.#run(one.plan);
      if (one.op.requestPut) return this.#put(one.op.requestPut);
      if (one.op.requestDeleteRange) return this.#deleteRange(one.op.requestDeleteRange);
      if (one.op.requestRange) return this.#range(one.op.requestRange);
      return { kind: "other" };
    });
    return { kind: "txn", revision: this.#readRevision(), succeeded: plan.succeeded, responses };
  }

  #holds(compare: Compare): boolean {
    const kvs = this.#now().filter((kv) => within(kv.key, compare));
    if (kvs.length === 0)
      return (
        compare.target !== "VALUE" &&
        holds(compare, { key: "", value: "", create: 0, mod: 0, version: 0, lease: 0n })
      );
    return kvs.every((kv) => holds(compare, kv));
  }

  #compact(revision: number): void {
    if (revision <= this.compactRevision) throw new ModelError("COMPACTED");
    if (revision > this.revision) throw new ModelError("FUTURE_REVISION");
    this.compactRevision = revision;
  }

  #grant(id: bigint): void {
    if (id === 0n) throw new ModelError("LEASE_NOT_FOUND");
    if (this.leases.has(id)) throw new ModelError("LEASE_EXISTS");
    this.leases.add(id);
  }

  #revoke(id: bigint): void {
    if (!this.leases.delete(id)) throw new ModelError("LEASE_NOT_FOUND");
    this.#delete(this.#now().filter((kv) => kv.lease === id));
  }
}

interface Plan {
  readonly succeeded: boolean;
  readonly ops: readonly ({ readonly op: RequestOp } | { readonly plan: Plan })[];
}

function inOrder(keys: ReadonlyMap<string, ModelKv>): ModelKv[] {
  return [...keys.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function within(key: string, range: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array }): boolean {
  const from = bytes(range.key);
  const to = bytes(range.rangeEnd);
  if (to === "") return key === from;
  return key >= from && (to === "\0" || key < to);
}

function filters(request: RangeRequest): ((kv: ModelKv) => boolean)[] {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  const out: ((kv: ModelKv) => boolean)[] = [];
  if (minModRevision !== 0) out.push((kv) => kv.mod >= minModRevision);
  if (maxModRevision !== 0) out.push((kv) => kv.mod <= maxModRevision);
  if (minCreateRevision !== 0) out.push((kv) => kv.create >= minCreateRevision);
  if (maxCreateRevision !== 0) out.push((kv) => kv.create <= maxCreateRevision);
  return out;
}

const sortKeys = {
  KEY: (kv: ModelKv) => kv.key,
  VERSION: (kv: ModelKv) => kv.version,
  CREATE: (kv: ModelKv) => kv.create,
  MOD: (kv: ModelKv) => kv.mod,
  VALUE: (kv: ModelKv) => kv.value,
} as const;

function sorted(kvs: readonly ModelKv[], request: RangeRequest): ModelKv[] {
  const of = sortKeys[request.sortTarget as keyof typeof sortKeys];
  const sign = request.sortOrder === "DESCEND" ? -1 : 1;
  return [...kvs].sort((a, b) => sign * (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0));
}

function holds(compare: Compare, kv: ModelKv): boolean {
  const sides = {
    VERSION: [kv.version, compare.version ?? 0],
    CREATE: [kv.create, compare.createRevision ?? 0],
    MOD: [kv.mod, compare.modRevision ?? 0],
    VALUE: [kv.value, bytes(compare.value ?? new Uint8Array(0))],
    LEASE: [kv.lease, compare.lease ?? 0n],
  } as const;
  const [left, right] = typeof compare.target === "number" ? [0, 0] : sides[compare.target];
  if (typeof compare.result === "number") return true;
  if (compare.result === "EQUAL") return left === right;
  if (compare.result === "NOT_EQUAL") return left !== right;
  return compare.result === "GREATER" ? left > right : left < right;
}

/** Whether a request writes a key or a lease, or may. */
function mayGrow({ put, leaseGrant, txn }: Partial<InternalRaftRequest>): boolean {
  return put !== undefined || leaseGrant !== undefined || (txn !== undefined && mayPut(txn));
}

const mayPut = ({ success, failure }: TxnRequest): boolean =>
  [...success, ...failure].some(
    ({ requestPut, requestTxn }) =>
      requestPut !== undefined || (requestTxn !== undefined && mayPut(requestTxn)),
  );

interface Needed {
  readonly act: "READ" | "WRITE";
  readonly range: AskedRange;
  /** A key of a lease: whoever is root may anyway. */
  readonly isOfLease?: true;
}

/** What a request needs of rights, in the order in which they are looked at: of a transaction all that it may do. */
function neededBy(
  { put, range, deleteRange, txn, leaseRevoke }: Partial<InternalRaftRequest>,
  keysOf: (lease: bigint) => readonly string[],
): Needed[] {
  const ofLease = (lease: bigint): Needed[] =>
    keysOf(lease).map((key) => ({
      act: "WRITE",
      range: oneKey(Buffer.from(key, "latin1")),
      isOfLease: true,
    }));
  if (put) {
    const own = oneKey(put.key);
    const read: Needed[] = put.prevKv ? [{ act: "READ", range: own }] : [];
    return [{ act: "WRITE", range: own }, ...ofLease(put.lease), ...read];
  }
  if (range) return [{ act: "READ", range }];
  if (deleteRange)
    return [
      { act: "WRITE", range: deleteRange },
      ...(deleteRange.prevKv ? [{ act: "READ" as const, range: deleteRange }] : []),
    ];
  if (leaseRevoke) return ofLease(leaseRevoke.id);
  if (txn === undefined) return [];
  const compared = txn.compare.map((one): Needed => ({ act: "READ", range: one }));
  const ops = [...txn.success, ...txn.failure].flatMap(
    ({ requestPut, requestRange, requestDeleteRange, requestTxn }) =>
      neededBy(
        {
          ...(requestPut && { put: requestPut }),
          ...(requestRange && { range: requestRange }),
          ...(requestDeleteRange && { deleteRange: requestDeleteRange }),
          ...(requestTxn && { txn: requestTxn }),
        },
        keysOf,
      ),
  );
  return [...compared, ...ops];
}

const oneKey = (key: Uint8Array): AskedRange => ({ key, rangeEnd: new Uint8Array(0) });

const changesAuth = (request: Partial<InternalRaftRequest>): boolean =>
  Object.entries(request).some(
    ([kind, body]) =>
      body !== undefined && /^auth(Enable|Disable|User|Role)/.test(kind) && !/Get$|List$/.test(kind),
  );
