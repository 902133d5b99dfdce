import { latin1 } from "../../../base/wire.ts";
import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from "../../../proto/etcd.ts";
import { putRequest, txnRequest } from "../../../proto/etcd.ts";
import type { StoreErrorCode } from "../../../store/errors.ts";
import { revisionOf } from "../answers.ts";
import type { Operation, Outcome } from "../operation.ts";
import type { Report } from "../report.ts";

/** With these a member says that a write was not and will not be applied, and its client may ask for it again. */
export const mayAskAgain: ReadonlySet<StoreErrorCode> = new Set([
  "NO_LEADER",
  "LEADER_CHANGED",
  "PROPOSAL_DROPPED",
  "TOO_MANY_REQUESTS",
  "USER_EMPTY",
  "INVALID_AUTH_TOKEN",
  "AUTH_OLD_REVISION",
]);
/** The same, and where asking again would not help. */
export const notTaken: ReadonlySet<StoreErrorCode> = new Set([...mayAskAgain, "PERMISSION_DENIED"]);

/** Every value that clients write is unique, and nobody asks for one again unless told that it was not taken. So whoever looks –
 *  reads, watches, former values – finds a value under one revision only, and never one that was not taken. This checker knows
 *  what clients asked and were told and nothing else: not the log, nor what it should have led to. */
export class AppliedOnce {
  readonly #report: Report;
  /** Where each value was first seen. */
  readonly #revisions = new Map<string, { readonly revision: number; readonly by: string }>();
  /** How often each value was asked for, less how often that was not taken. */
  readonly #open = new Map<string, number>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** To be called before a request leaves its client. */
  asked(operation: Pick<Operation, "kind" | "request">): void {
    for (const value of writesOf(operation)) this.#open.set(value, (this.#open.get(value) ?? 0) + 1);
  }

  /** To be called with what the client was told. */
  told(operation: Operation, outcome: Outcome): void {
    const wasTaken = !(
      outcome.kind === "refused" ||
      (outcome.kind === "error" && notTaken.has(outcome.code))
    );
    if (!wasTaken)
      for (const value of writesOf(operation)) {
        const open = (this.#open.get(value) ?? 0) - 1;
        this.#open.set(value, open);
        const seen = this.#revisions.get(value);
        if (open <= 0 && seen !== undefined) this.#sayNotTaken(value, seen);
      }
    if (outcome.kind === "answer") this.#look(operation, outcome.response);
  }

  /** A pair that somebody was shown. */
  saw(kv: KeyValue | undefined, by: string): void {
    if (kv === undefined || kv.value.length === 0) return;
    this.#found(pair(kv), kv.modRevision, by);
  }

  #found(value: string, revision: number, by: string): void {
    const open = this.#open.get(value);
    if (open === undefined) return; // not written by a client of this kind
    const before = this.#revisions.get(value);
    if (before === undefined) {
      this.#revisions.set(value, { revision, by });
      if (open <= 0) this.#sayNotTaken(value, { revision, by });
    } else if (before.revision !== revision)
      this.#report(
        "applied once",
        `${by} finds ${value} at revision ${revision}, where ${before.by} found it at ${before.revision}`,
      );
  }

  #sayNotTaken(value: string, { revision, by }: { readonly revision: number; readonly by: string }): void {
    this.#report(
      "applied once",
      `${by} finds ${value} at revision ${revision}, though whoever asked for it was told that it was not taken`,
    );
  }

  #look(operation: Operation, response: object): void {
    const by = `${operation.client} with #${operation.id}`;
    const revision = revisionOf(response);
    if (operation.kind === "put") {
      this.saw((response as PutResponse).prevKv, by);
      for (const value of writesOf(operation)) this.#found(value, revision, by);
    } else if (operation.kind === "deleteRange")
      for (const kv of (response as DeleteRangeResponse).prevKvs) this.saw(kv, by);
    else if (operation.kind === "range") for (const kv of (response as RangeResponse).kvs) this.saw(kv, by);
    else if (operation.kind === "txn") {
      const { succeeded, responses } = response as TxnResponse;
      for (const one of responses) this.#lookInto(one, by);
      const request = txnRequest.decode(txnRequest.encode(operation.request));
      for (const value of putsDone(request, { succeeded, responses })) this.#found(value, revision, by);
    }
  }

  #lookInto({ responseRange, responsePut, responseDeleteRange, responseTxn }: ResponseOp, by: string): void {
    for (const one of responseTxn?.responses ?? []) this.#lookInto(one, by);
    for (const kv of responseRange?.kvs ?? []) this.saw(kv, by);
    for (const kv of responseDeleteRange?.prevKvs ?? []) this.saw(kv, by);
    this.saw(responsePut?.prevKv, by);
  }
}

/** A value is unique under its key. */
const pair = ({ key, value }: { readonly key: Uint8Array; readonly value: Uint8Array }): string =>
  `${latin1(key)}=${latin1(value)}`;

/** Every value that a request may write. */
function writesOf({ kind, request }: Pick<Operation, "kind" | "request">): string[] {
  if (kind === "put") return [pair(putRequest.decode(putRequest.encode(request)))];
  if (kind !== "txn") return [];
  const { success, failure } = txnRequest.decode(txnRequest.encode(request));
  return [...putsIn(success), ...putsIn(failure)];
}

const putsIn = (ops: readonly RequestOp[]): string[] =>
  ops.flatMap(({ requestPut, requestTxn }) => [
    ...(requestPut === undefined ? [] : [pair(requestPut)]),
    ...(requestTxn === undefined ? [] : [...putsIn(requestTxn.success), ...putsIn(requestTxn.failure)]),
  ]);

/** What a transaction wrote, as its answer tells. */
function putsDone(
  request: Pick<TxnRequest, "success" | "failure">,
  { succeeded, responses }: Pick<TxnResponse, "succeeded" | "responses">,
): string[] {
  const ops = succeeded ? request.success : request.failure;
  return ops.flatMap(({ requestPut, requestTxn }, at) => {
    if (requestPut !== undefined) return [pair(requestPut)];
    const inner = responses[at]?.responseTxn;
    return requestTxn === undefined || inner === undefined ? [] : putsDone(requestTxn, inner);
  });
}
