import type { Sliced } from "../../base/slices.ts";
import type { Compare, DeleteRangeRequest, RangeRequest, RequestOp, TxnRequest } from "../../proto/etcd.ts";
import { type ComparedState, holdsForKey, holdsInSpan } from "./compare.ts";
import { type DeleteRangeAnswer, deleteKey, deleteSpan } from "./delete-range.ts";
import type { WriteTransaction } from "./mvcc-store.ts";
import { type PutAnswer, putChecked } from "./put.ts";
import { answerKey, answerRange, isOneKey, type RangeAnswer, spanOf } from "./range.ts";

/** Responses of the API with stored bytes for values; the messages' `encode` take them as they are. */
export interface TxnAnswer {
  readonly header: { readonly revision?: number };
  readonly succeeded: boolean;
  readonly responses: readonly OpAnswer[];
}
export type OpAnswer =
  | { readonly responseRange: RangeAnswer }
  | { readonly responsePut: PutAnswer }
  | { readonly responseDeleteRange: DeleteRangeAnswer }
  | { readonly responseTxn: TxnAnswer };

/** A transaction under way: the branch that its comparisons choose, and how far it is. Most touch a few single keys, which
 *  takes no generator: `compare` and `run` do what they can at once. What takes slices they answer as work, to be called
 *  again when it is done; undefined says that nothing is left. */
export class Branch {
  readonly #request: TxnRequest;
  #succeeded = true;
  #compared = 0;
  #ran = 0;
  /** The transactions among the operations, in their order; undefined until their comparisons are made. */
  #inner: readonly Branch[] | undefined;
  #innerRan = 0;
  readonly #responses: OpAnswer[] = [];

  constructor(request: TxnRequest) {
    this.#request = request;
  }

  /** Of the branch that is chosen. */
  get ops(): readonly RequestOp[] {
    return this.#succeeded ? this.#request.success : this.#request.failure;
  }

  /** No comparison has failed. */
  get succeeded(): boolean {
    return this.#succeeded;
  }

  get inner(): readonly Branch[] {
    return this.#inner ?? none;
  }

  get hasRun(): boolean {
    return this.#ran > 0;
  }

  answer(header: TxnAnswer["header"]): TxnAnswer {
    return { header, succeeded: this.#succeeded, responses: this.#responses };
  }

  /** Makes the comparisons, those of transactions within included. */
  compare(state: ComparedState): Sliced<void> | undefined {
    const { compare } = this.#request;
    while (this.#succeeded && this.#compared < compare.length) {
      const one = compare[this.#compared++] as Compare;
      if (!isOneKey(one)) return this.#compareSpan(state, one);
      this.#succeeded = holdsForKey(state, one);
    }
    return this.#inner === undefined && this.ops.some(isTxn) ? this.#compareInner(state) : undefined;
  }

  *#compareSpan(state: ComparedState, compare: Compare): Sliced<void> {
    this.#succeeded = yield* holdsInSpan(state, compare, spanOf(compare));
  }

  *#compareInner(state: ComparedState): Sliced<void> {
    const inner: Branch[] = [];
    this.#inner = inner;
    for (const { requestTxn } of this.ops) {
      if (requestTxn === undefined) continue;
      const branch = new Branch(requestTxn);
      inner.push(branch);
      yield* toTheEnd(() => branch.compare(state));
    }
  }

  /** Does the operations of the chosen branch. */
  run(txn: WriteTransaction): Sliced<void> | undefined {
    const { ops } = this;
    let work: Sliced<void> | undefined;
    while (work === undefined && this.#ran < ops.length)
      work = this.#runOne(txn, ops[this.#ran++] as RequestOp);
    return work;
  }

  #runOne(txn: WriteTransaction, op: RequestOp): Sliced<void> | undefined {
    const { requestPut, requestRange, requestDeleteRange } = op;
    if (requestPut !== undefined) this.#responses.push({ responsePut: putChecked(txn, requestPut) });
    else if (requestRange !== undefined) return this.#runRange(txn, requestRange);
    else if (requestDeleteRange !== undefined) return this.#runDeleteRange(txn, requestDeleteRange);
    else if (op.requestTxn !== undefined) return this.#runInner(txn, this.inner[this.#innerRan++] as Branch);
    return undefined; // an empty operation does nothing and answers nothing
  }

  #runRange(txn: WriteTransaction, request: RangeRequest): Sliced<void> | undefined {
    if (!isOneKey(request)) return this.#readSpan(txn, request);
    this.#responses.push({ responseRange: answerKey(txn, request) });
    return undefined;
  }

  *#readSpan(txn: WriteTransaction, request: RangeRequest): Sliced<void> {
    this.#responses.push({ responseRange: yield* answerRange(txn, request) });
  }

  #runDeleteRange(txn: WriteTransaction, request: DeleteRangeRequest): Sliced<void> | undefined {
    if (!isOneKey(request)) return this.#deleteSpan(txn, request);
    this.#responses.push({ responseDeleteRange: deleteKey(txn, request) });
    return undefined;
  }

  *#deleteSpan(txn: WriteTransaction, request: DeleteRangeRequest): Sliced<void> {
    this.#responses.push({ responseDeleteRange: yield* deleteSpan(txn, request) });
  }

  *#runInner(txn: WriteTransaction, branch: Branch): Sliced<void> {
    yield* toTheEnd(() => branch.run(txn));
    this.#responses.push({ responseTxn: branch.answer({}) });
  }
}

const none: readonly Branch[] = [];
const isTxn = (op: RequestOp) => op.requestTxn !== undefined;

/** Does all that `next` answers, until nothing is left. */
export function* toTheEnd(next: () => Sliced<void> | undefined): Sliced<void> {
  for (let work = next(); work !== undefined; work = next()) yield* work;
}
