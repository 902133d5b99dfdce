import { unreachable } from "../../base/assert.ts";
import { type Sliced, type Soon, Unfinished } from "../../base/slices.ts";
import { latin1Bytes } from "../../base/wire.ts";
import type { AlarmRequest, InternalRaftRequest, LeaseCheckpointRequest } from "../../proto/etcd.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { RequestRights } from "../auth/request-rights.ts";
import type { Tokens } from "../auth/tokens.ts";
import type { Backend } from "../backend/backend.ts";
import { StoreError } from "../errors.ts";
import type { Lessor } from "../lease/lessor.ts";
import { executeDeleteRange } from "../mvcc/delete-range.ts";
import type { MvccStore, WriteTransaction } from "../mvcc/mvcc-store.ts";
import { executePut, type LeaseExists } from "../mvcc/put.ts";
import { answerRange } from "../mvcc/range.ts";
import { executeTxn } from "../mvcc/txn.ts";
import type { Index } from "../raft/types.ts";
import type { AlarmMember, Alarms } from "./alarms.ts";
import { applyAuth } from "./apply-auth.ts";
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
  readonly auth: AuthState;
  readonly rights: RequestRights;
  readonly tokens: Tokens;
  /** Changes when a snapshot is installed. */
  readonly backend: () => Backend;
  readonly monotonicMs: () => number;
}

/** Effects of one request, at once where it takes no pause. Throws StoreError having changed nothing. What it writes to the
 *  backend it writes after its last pause. */
export function applyRequest(request: StoreRequest, index: Index, parts: ApplyParts): Soon<ApplyResponse> {
  const { mvcc, lessor, membership } = parts;
  switch (request.kind) {
    case "put":
      return inTransaction(parts, request.body, executePut);
    case "deleteRange":
      return inTransaction(parts, request.body, executeDeleteRange);
    case "txn":
      return inTransaction(parts, request.body, executeTxn);
    case "range":
      return new Unfinished(answerRange(mvcc, request.body));
    case "compaction": {
      const { removed } = mvcc.compact(request.body.revision);
      return { header: { revision: mvcc.revision }, removed } satisfies CompactionAnswer;
    }
    case "leaseGrant": {
      const ttl = lessor.grant(request.body, parts.monotonicMs());
      return { header: { revision: mvcc.revision }, id: request.body.id, ttl, error: "" };
    }
    case "leaseRevoke":
      return applyLeaseRevoke(request.body.id, parts);
    case "leaseCheckpoint":
      return applyLeaseCheckpoint(request.body, parts);
    case "alarm":
      return applyAlarm(request.body, parts);
    case "clusterVersionSet":
      membership.setClusterVersion(request.body, parts.backend());
      return {};
    case "downgradeInfoSet":
      membership.setDowngrade(request.body, parts.backend());
      return {};
    case "clusterMemberAttrSet":
      membership.setAttributes(request.body, parts.backend());
      return {};
    case "authEnable":
    case "authDisable":
    case "authenticate":
    case "authUserAdd":
    case "authUserDelete":
    case "authUserChangePassword":
    case "authUserGrantRole":
    case "authUserRevokeRole":
    case "authRoleAdd":
    case "authRoleDelete":
    case "authRoleGrantPermission":
    case "authRoleRevokePermission":
    case "authStatus":
    case "authUserGet":
    case "authUserList":
    case "authRoleGet":
    case "authRoleList":
      return applyAuth(request, index, parts);
    default:
      return unreachable(request);
  }
}

/** The transaction ends with the request, also with one that is refused, which has changed nothing. */
function inTransaction<Request, Answer>(
  { mvcc, lessor }: ApplyParts,
  request: Request,
  execute: (txn: WriteTransaction, request: Request, leaseExists: LeaseExists) => Soon<Answer>,
): Soon<Answer> {
  const txn = mvcc.write();
  let answer: Soon<Answer>;
  try {
    answer = execute(txn, request, lessor.exists);
  } catch (error) {
    return leave(txn, error);
  }
  if (answer instanceof Unfinished) return new Unfinished(endedAfter(txn, answer.rest));
  const ending = txn.end();
  return ending === undefined ? answer : new Unfinished(answerAfter(ending, answer));
}

function* endedAfter<Answer>(txn: WriteTransaction, rest: Sliced<Answer>): Sliced<Answer> {
  let answer: Answer;
  try {
    answer = yield* rest;
  } catch (error) {
    return leave(txn, error);
  }
  const ending = txn.end();
  if (ending !== undefined) yield* ending;
  return answer;
}

/** What fails otherwise, such as a read of the disk, may have failed half way. Nobody is shown that half, and it never reaches the
 *  disk: the transaction stays open, and this member ends. */
function leave(txn: WriteTransaction, error: unknown): never {
  if (error instanceof StoreError) txn.end();
  throw error;
}

function* answerAfter<Answer>(ending: Sliced<void>, answer: Answer): Sliced<Answer> {
  yield* ending;
  return answer;
}

/** Its keys go with it, in one revision. */
function applyLeaseRevoke(id: bigint, parts: ApplyParts): Soon<ApplyResponse> {
  const deleting = inTransaction(parts, parts.lessor.keysOf(id), deleteKeys);
  return deleting instanceof Unfinished
    ? new Unfinished(revokedAfter(deleting.rest, id, parts))
    : revoke(id, parts);
}

function* revokedAfter(deleting: Sliced<void>, id: bigint, parts: ApplyParts): Sliced<ApplyResponse> {
  yield* deleting;
  return revoke(id, parts);
}

/** A lease without keys. */
function revoke(id: bigint, { mvcc, lessor }: ApplyParts): ApplyResponse {
  lessor.revoke(id);
  return { header: { revision: mvcc.revision } };
}

function deleteKeys(txn: WriteTransaction, keys: readonly string[]): Soon<void> {
  if (keys.length > txn.limits.keysMax) return new Unfinished(deleteInSlices(txn, keys));
  for (const key of keys) txn.deleteKey(latin1Bytes(key));
  return undefined;
}

function* deleteInSlices(txn: WriteTransaction, keys: readonly string[]): Sliced<void> {
  for (const [at, key] of keys.entries()) {
    if (at > 0 && at % txn.limits.keysMax === 0) yield;
    txn.deleteKey(latin1Bytes(key));
  }
}

function applyLeaseCheckpoint(request: LeaseCheckpointRequest, parts: ApplyParts): ApplyResponse {
  for (const checkpoint of request.checkpoints) parts.lessor.checkpoint(checkpoint);
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
