import { latin1 } from "../../base/wire.ts";
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
} from "../../proto/etcd.ts";
import type { KeyValue } from "../../proto/mvcc.ts";
import type { ModelAnswer, ModelKv } from "../model/etcd-model.ts";
import type { OperationKind } from "./operation.ts";

/** Responses off the wire in the model's words. */
export function answerOf(kind: OperationKind, response: object): ModelAnswer {
  switch (kind) {
    case "put":
      return putAnswer(response as PutResponse);
    case "deleteRange":
      return deleteAnswer(response as DeleteRangeResponse);
    case "range":
      return rangeAnswer(response as RangeResponse);
    case "txn":
      return txnAnswer(response as TxnResponse);
    default:
      return { kind: "other" };
  }
}

/** The model's answer with what the wire leaves out left out: nested answers that carry no revision of their own. */
export function comparable(answer: ModelAnswer, nested = false): ModelAnswer {
  if (!("kind" in answer) || answer.kind !== "txn") return answer;
  const responses = answer.responses.map((one) => comparable(one, true));
  return { ...answer, revision: nested ? 0 : answer.revision, responses };
}

export const revisionOf = (response: object): number =>
  (response as { readonly header?: ResponseHeader }).header?.revision ?? 0;

export function kvOf(kv: KeyValue): ModelKv {
  return {
    key: latin1(kv.key),
    value: latin1(kv.value),
    create: kv.createRevision,
    mod: kv.modRevision,
    version: kv.version,
    lease: kv.lease,
  };
}

function putAnswer(response: PutResponse): ModelAnswer {
  return { kind: "put", revision: revisionOf(response), prevKv: response.prevKv && kvOf(response.prevKv) };
}

function deleteAnswer(response: DeleteRangeResponse): ModelAnswer {
  const { deleted, prevKvs } = response;
  return { kind: "deleteRange", revision: revisionOf(response), deleted, prevKvs: prevKvs.map(kvOf) };
}

function rangeAnswer(response: RangeResponse): ModelAnswer {
  const { kvs, more, count } = response;
  return { kind: "range", revision: revisionOf(response), kvs: kvs.map(kvOf), more, count };
}

function txnAnswer(response: TxnResponse): ModelAnswer {
  const { succeeded, responses } = response;
  return { kind: "txn", revision: revisionOf(response), succeeded, responses: responses.map(opAnswer) };
}

function opAnswer(op: ResponseOp): ModelAnswer {
  if (op.responseRange) return rangeAnswer(op.responseRange);
  if (op.responsePut) return putAnswer(op.responsePut);
  if (op.responseDeleteRange) return deleteAnswer(op.responseDeleteRange);
  return op.responseTxn ? txnAnswer(op.responseTxn) : { kind: "other" };
}
