import { latin1 } from "../../../base/wire.ts";
import {
  deleteRangeRequest,
  putRequest,
  type RangeRequest,
  type RequestOp,
  rangeRequest,
  type TxnRequest,
  txnRequest,
} from "../../../proto/etcd.ts";
import type { ModelAnswer, ModelKv } from "../../model/etcd-model.ts";
import { answerOf } from "../answers.ts";
import type { Operation, Outcome } from "../operation.ts";
import type { Report } from "../report.ts";
import { notTaken } from "./applied-once.ts";
import { type Called, searchOrder } from "./wing-gong.ts";

/** No such key. */
const absent = "";

/** What one operation has to do with one key. */
export interface KeyOp {
  /** What the key held before, as the caller was told. */
  readonly found?: string;
  /** What it may hold thereafter; undefined: what it held before. */
  readonly leaves: readonly (string | undefined)[];
  /** It takes place only where the key holds this. */
  readonly onlyAt?: string;
}

type Op = Partial<RequestOp>;

interface Asked {
  readonly op: Op;
  readonly startMs: number;
  readonly endMs: number;
  /** Undefined: nobody knows. */
  readonly answer: ModelAnswer | undefined;
}

/** Linearizability by what clients asked and were told and nothing else: key by key, since an order of everything is one for each
 *  key as well. It knows neither the log nor revisions. */
export class ClientHistories {
  readonly #report: Report;
  readonly #asked: Asked[] = [];
  /** Keys whose order was not found within the bound of the search. */
  undecided = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  told(
    operation: Pick<Operation, "kind" | "request" | "serializable">,
    outcome: Outcome,
    times: Pick<Asked, "startMs" | "endMs">,
  ): void {
    if (operation.serializable || outcome.kind === "refused") return;
    if (outcome.kind === "error" && notTaken.has(outcome.code)) return;
    const isKnown = outcome.kind === "answer";
    const answer = isKnown ? answerOf(operation.kind, outcome.response) : undefined;
    const endMs = isKnown ? times.endMs : Number.POSITIVE_INFINITY;
    this.#asked.push({ op: opOf(operation), startMs: times.startMs, endMs, answer });
  }

  finished(keys: Iterable<string>): void {
    for (const key of keys) {
      const calls = withoutUnseen(this.#asked.flatMap((asked) => callsOn(key, asked)));
      const found = searchOrder(calls, absent, take);
      if (found === "undecided") this.undecided++;
      if (found === "not linearizable")
        this.#report(
          "linearizability",
          `no order of what clients did to ${key} explains what they were told`,
        );
    }
  }
}

/** What an operation makes of a key that holds `state`. */
export const take = (state: string, { found, leaves, onlyAt }: KeyOp): readonly string[] => {
  if (found !== undefined && found !== state) return [];
  if (onlyAt !== undefined && onlyAt !== state) return [];
  return leaves.map((left) => left ?? state);
};

/** A write of which nobody knows need not have taken place where nobody saw its value, and no lease took it away. */
function withoutUnseen(calls: readonly Called<KeyOp>[]): readonly Called<KeyOp>[] {
  const seen = new Set(calls.map(({ op }) => op.found ?? op.onlyAt));
  return calls.filter(({ op, endMs }) => {
    if (endMs !== Number.POSITIVE_INFINITY) return true;
    return op.leaves.some((left) => left !== undefined && seen.has(left));
  });
}

function callsOn(key: string, { op: asked, startMs, endMs, answer }: Asked): Called<KeyOp>[] {
  const ops = opsOn(key, asked, answer);
  return ops.map((op) => ({
    op,
    startMs,
    endMs: op.onlyAt === undefined ? endMs : Number.POSITIVE_INFINITY,
  }));
}

function opsOn(key: string, op: Op, answer: ModelAnswer | undefined): KeyOp[] {
  if (op.requestRange) return readOps(key, op.requestRange, answer);
  if (op.requestTxn) return txnOps(key, op.requestTxn, answer);
  return [...putOps(key, op, answer), ...deleteOps(key, op, answer)];
}

/** What has nothing to do with keys is none of them. */
function opOf({ kind, request }: Pick<Operation, "kind" | "request">): Op {
  switch (kind) {
    case "put":
      return { requestPut: putRequest.decode(putRequest.encode(request)) };
    case "deleteRange":
      return { requestDeleteRange: deleteRangeRequest.decode(deleteRangeRequest.encode(request)) };
    case "range":
      return { requestRange: rangeRequest.decode(rangeRequest.encode(request)) };
    case "txn":
      return { requestTxn: txnRequest.decode(txnRequest.encode(request)) };
    default:
      return {};
  }
}

function putOps(
  key: string,
  { requestPut }: Pick<Op, "requestPut">,
  answer: ModelAnswer | undefined,
): KeyOp[] {
  if (requestPut === undefined || latin1(requestPut.key) !== key) return [];
  const value = latin1(requestPut.value);
  const told = answer !== undefined && "kind" in answer && answer.kind === "put" && requestPut.prevKv;
  const put: KeyOp = { leaves: [value], ...(told && { found: answer.prevKv?.value ?? absent }) };
  return [put, ...(requestPut.lease === 0n ? [] : [endOfLease(value)])];
}

/** The lease of a key may end at any time, and takes it away. */
const endOfLease = (value: string): KeyOp => ({ onlyAt: value, leaves: [absent] });

function deleteOps(
  key: string,
  { requestDeleteRange }: Pick<Op, "requestDeleteRange">,
  answer: ModelAnswer | undefined,
): KeyOp[] {
  if (requestDeleteRange === undefined || !covers(requestDeleteRange, key)) return [];
  const told =
    answer !== undefined && "kind" in answer && answer.kind === "deleteRange" && requestDeleteRange.prevKv;
  return [{ leaves: [absent], ...(told && { found: valueAmong(answer.prevKvs, key) }) }];
}

function readOps(key: string, request: RangeRequest, answer: ModelAnswer | undefined): KeyOp[] {
  if (answer === undefined || !("kind" in answer) || answer.kind !== "range") return [];
  const isWhole = request.revision === 0 && !request.countOnly && !request.keysOnly && !answer.more;
  if (!isWhole || !covers(request, key)) return [];
  return [{ found: valueAmong(answer.kvs, key), leaves: [undefined] }];
}

/** Of a transaction that was answered: what its branch did. Of any other: what either branch may have done. */
function txnOps(key: string, txn: TxnRequest, answer: ModelAnswer | undefined): KeyOp[] {
  const leased = leasedValues(key, [...txn.success, ...txn.failure]).map(endOfLease);
  if (answer === undefined || !("kind" in answer) || answer.kind !== "txn")
    return [{ leaves: [undefined, ...effects(key, txn)] }, ...leased];
  const done = opsDone(key, txn, answer);
  const firstWrite = done.findIndex(({ leaves }) => leaves[0] !== undefined);
  const read = done
    .slice(0, firstWrite < 0 ? done.length : firstWrite + 1)
    .find(({ found }) => found !== undefined);
  const last = done.findLast(({ leaves }) => leaves[0] !== undefined);
  if (read === undefined && last === undefined) return leased;
  const found = read?.found;
  return [{ leaves: [last?.leaves[0]], ...(found !== undefined && { found }) }, ...leased];
}

function opsDone(key: string, txn: TxnRequest, answer: ModelAnswer): KeyOp[] {
  if (!("kind" in answer) || answer.kind !== "txn") return [];
  return (answer.succeeded ? txn.success : txn.failure).flatMap((op, at) => {
    const told = answer.responses[at];
    if (told === undefined) return [];
    if (op.requestTxn) return opsDone(key, op.requestTxn, told);
    const [first] = [...putOps(key, op, told), ...deleteOps(key, op, told)];
    if (first !== undefined) return [first];
    return op.requestRange ? readOps(key, op.requestRange, told) : [];
  });
}

/** What the branches of a transaction may leave. */
function effects(key: string, txn: TxnRequest): string[] {
  return [...txn.success, ...txn.failure].flatMap((op) => {
    if (op.requestTxn) return effects(key, op.requestTxn);
    return [...putOps(key, op, undefined), ...deleteOps(key, op, undefined)].flatMap(({ leaves, onlyAt }) =>
      onlyAt === undefined ? leaves.filter((left) => left !== undefined) : [],
    );
  });
}

function leasedValues(key: string, ops: readonly RequestOp[]): string[] {
  return ops.flatMap(({ requestPut, requestTxn }) => {
    if (requestTxn) return leasedValues(key, [...requestTxn.success, ...requestTxn.failure]);
    const isOn = requestPut !== undefined && requestPut.lease !== 0n && latin1(requestPut.key) === key;
    return isOn ? [latin1(requestPut.value)] : [];
  });
}

const valueAmong = (kvs: readonly ModelKv[], key: string): string =>
  kvs.find((kv) => kv.key === key)?.value ?? absent;

function covers({ key, rangeEnd }: Pick<RangeRequest, "key" | "rangeEnd">, wanted: string): boolean {
  const [from, to] = [latin1(key), latin1(rangeEnd)];
  if (to === "") return wanted === from;
  return wanted >= from && (to === "\0" || wanted < to);
}
