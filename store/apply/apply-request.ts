import { unreachable } from "../../base/assert.ts";
import type { Sliced } from "../../base/slices.ts";
import { latin1Bytes } from "../../base/wire.ts";
import type {
  AlarmRequest,
  InternalRaftRequest,
  LeaseCheckpointRequest,
  PutRequest,
} from "../../proto/etcd.ts";
import type { Backend } from "../backend/backend.ts";
import { StoreError } from "../errors.ts";
import type { Lessor } from "../lease/lessor.ts";
import type { MvccStore, WriteTransaction } from "../mvcc/mvcc-store.ts";
import { answerRange } from "../mvcc/range.ts";
import { executeDeleteRange, executePut, executeTxn } from "../mvcc/txn.ts";
import type { AlarmMember, Alarms } from "./alarms.ts";
import type { MembershipState } from "./membership-seam.ts";
import type { ApplyResponse } from "./types.ts";

type Kind = Exclude<keyof InternalRaftRequest, "header">;
/** An InternalRaftRequest as a union: which kind, and that kind's body. */
export type StoreRequest = {
  [K in Kind]: { readonly kind: K; readonly body: NonNullable<InternalRaftRequest[K]> };
}[Kind];

/** What the apply stage answers to a compaction. */
export interface CompactionAnswer {
  readonly header: { readonly revision: number };
  /** Resolves when what the compaction drops has left the database: what a physical compaction waits for. */
  readonly removed: Promise<void>;
}
export interface AlarmAnswer {
  readonly header: { readonly revision: number };
  readonly alarms: readonly AlarmMember[];
}

export interface ApplyParts {
  readonly mvcc: MvccStore;
  readonly lessor: Lessor;
  readonly alarms: Alarms;
  readonly membership: MembershipState;
  /** Changes when a snapshot is installed. */
  readonly backend: () => Backend;
  readonly monotonicMs: () => number;
}

/** Effects of one request. Throws StoreError having changed nothing. What it writes to the backend it writes after its last
 *  pause. */
export function* applyRequest(request: StoreRequest, parts: ApplyParts): Sliced<ApplyResponse> {
  const { mvcc, lessor, membership } = parts;
  switch (request.kind) {
    case "put":
      return applyPut(request.body, parts);
    case "deleteRange":
      return yield* inTransaction(mvcc, (txn) => executeDeleteRange(txn, request.body));
    case "txn":
      return yield* inTransaction(mvcc, (txn) => executeTxn(txn, request.body, lessor.exists));
    case "range":
      return yield* answerRange(mvcc, request.body);
    case "compaction": {
      const { removed } = mvcc.compact(request.body.revision);
      return { header: { revision: mvcc.revision }, removed } satisfies CompactionAnswer;
    }
    case "leaseGrant": {
      const ttl = lessor.grant(request.body, parts.monotonicMs());
      return { header: { revision: mvcc.revision }, id: request.body.id, ttl, error: "" };
    }
    case "leaseRevoke":
      return yield* applyLeaseRevoke(request.body.id, parts);
    case "leaseCheckpoint":
      return applyLeaseCheckpoint(request.body, parts);
    case "alarm":
      return applyAlarm(request.body, parts);
    case "clusterVersionSet":
      membership.setClusterVersion(request.body, parts.backend());
      return {};
    case "clusterMemberAttrSet":
      membership.setAttributes(request.body, parts.backend());
      return {};
    default:
      return unreachable(request);
  }
}

/** The effects of a put, which takes no pause. Throws StoreError having changed nothing. */
export function applyPut(request: PutRequest, { mvcc, lessor }: ApplyParts): ApplyResponse {
  const txn = mvcc.write();
  try {
    return executePut(txn, request, lessor.exists);
  } finally {
    txn.endAtOnce();
  }
}

/** The transaction ends whatever happens; one that failed has changed nothing. */
function* inTransaction<T>(mvcc: MvccStore, work: (txn: WriteTransaction) => Sliced<T>): Sliced<T> {
  const txn = mvcc.write();
  try {
    return yield* work(txn);
  } finally {
    yield* txn.end();
  }
}

/** Its keys go with it, in one revision. */
function* applyLeaseRevoke(id: bigint, { mvcc, lessor }: ApplyParts): Sliced<ApplyResponse> {
  const keys = lessor.keysOf(id);
  yield* inTransaction(mvcc, function* (txn) {
    for (const [at, key] of keys.entries()) {
      if (at > 0 && at % mvcc.limits.keysMax === 0) yield;
      txn.deleteKey(latin1Bytes(key));
    }
  });
  lessor.revoke(id);
  return { header: { revision: mvcc.revision } };
}

function applyLeaseCheckpoint(request: LeaseCheckpointRequest, parts: ApplyParts): ApplyResponse {
  const nowMs = parts.monotonicMs();
  for (const { id, remainingTtl } of request.checkpoints) parts.lessor.checkpoint(id, remainingTtl, nowMs);
  return { header: { revision: parts.mvcc.revision } };
}

function applyAlarm(request: AlarmRequest, { alarms, backend, mvcc }: ApplyParts): AlarmAnswer {
  const { action, alarm, memberId } = request;
  const header = { revision: mvcc.revision };
  switch (action) {
    case "GET":
      return { header, alarms: alarms.list(alarm) };
    case "ACTIVATE": {
      if (alarm === "NONE") return { header, alarms: [] };
      return { header, alarms: [alarms.activate(memberId, alarm, backend())] };
    }
    case "DEACTIVATE": {
      const off = alarms.deactivate(memberId, alarm, backend());
      return { header, alarms: off === undefined ? [] : [off] };
    }
    default:
      return { header, alarms: [] }; // the checks of requests let no unknown action through
  }
}

export function storeErrorOf(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  throw error;
}
