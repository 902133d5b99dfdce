import { checkOptions } from "../../../base/options.ts";
import type { ResponseOp } from "../../../proto/etcd.ts";
import type { KeyValue } from "../../../proto/mvcc.ts";
import type { StoreClient } from "../store-client.ts";
import {
  type Comparison,
  compareCreate,
  compareLease,
  compareMod,
  compareValue,
  compareVersion,
  type Op,
  opDelete,
  opGet,
  opPut,
  opTxn,
  overRange,
  type Relation,
} from "../txn.ts";
import type { CallOptions, Transaction } from "./api.ts";
import { callOptions } from "./call-options.ts";
import type { Entries } from "./entries.ts";
import { leaseId } from "./lease-id.ts";
import { isKey, type Key, type Range, type Where } from "./places.ts";
import { checkAction, checkCondition } from "./transaction-checks.ts";
import type { Action, Condition, Operator, Outcome } from "./transaction-parts.ts";

interface Parts<V> {
  readonly conditions: readonly Condition<V>[];
  readonly done: readonly Action<V>[];
  readonly otherwise: readonly Action<V>[];
}

export class TransactionBuilder<
  V,
  D extends readonly Action<V>[] = readonly [],
  E extends readonly Action<V>[] = readonly [],
> implements Transaction<V, D, E>
{
  readonly #client: StoreClient;
  readonly #entries: Entries<V>;
  readonly #parts: Parts<V>;

  constructor(
    client: StoreClient,
    entries: Entries<V>,
    parts: Parts<V> = { conditions: [], done: [], otherwise: [] },
  ) {
    this.#client = client;
    this.#entries = entries;
    this.#parts = parts;
  }

  if(...conditions: readonly Condition<V>[]): TransactionBuilder<V, D, E> {
    return this.#with({ conditions: [...this.#parts.conditions, ...conditions] });
  }

  do<const A extends readonly Action<V>[]>(...actions: A): TransactionBuilder<V, readonly [...D, ...A], E> {
    return this.#with({ done: [...this.#parts.done, ...actions] });
  }

  else<const A extends readonly Action<V>[]>(...actions: A): TransactionBuilder<V, D, readonly [...E, ...A]> {
    return this.#with({ otherwise: [...this.#parts.otherwise, ...actions] });
  }

  async commit(options: CallOptions = {}): Promise<Outcome<V, D, E>> {
    checkOptions(options, callOptions.call);
    return this.#outcome(await this.#client.txn(this.#request(), options));
  }

  #with<D2 extends readonly Action<V>[], E2 extends readonly Action<V>[]>(
    change: Partial<Parts<V>>,
  ): TransactionBuilder<V, D2, E2> {
    return new TransactionBuilder(this.#client, this.#entries, { ...this.#parts, ...change });
  }

  #request() {
    const { conditions, done, otherwise } = this.#parts;
    return {
      compare: conditions.map((condition) => this.#comparison(condition)),
      success: done.map((action) => this.#op(action)),
      failure: otherwise.map((action) => this.#op(action)),
    };
  }

  #comparison(condition: Condition<V>): Comparison {
    checkCondition(condition);
    const { key, rangeEnd } = this.#entries.folder.span(placeOf(condition));
    const one = this.#compared(key, condition);
    return rangeEnd.length === 0 ? one : overRange(one, rangeEnd);
  }

  #compared(key: Uint8Array, condition: Condition<V>): Comparison {
    if ("exists" in condition) return compareCreate(key, condition.exists ? "GREATER" : "EQUAL", 0);
    const relation = relations[condition.op ?? "="];
    if ("value" in condition) return compareValue(key, relation, this.#entries.bytes(key, condition.value));
    if ("modRevision" in condition) return compareMod(key, relation, condition.modRevision);
    if ("createRevision" in condition) return compareCreate(key, relation, condition.createRevision);
    if ("version" in condition) return compareVersion(key, relation, condition.version);
    return compareLease(key, relation, leaseId(condition.lease));
  }

  #op(action: Action<V>): Op {
    checkAction(action);
    const { folder } = this.#entries;
    if ("put" in action) {
      const { put, value, lease, previous = false } = action;
      const options = { lease: leaseId(lease), prevKv: previous };
      return opPut(folder.key(put), this.#entries.bytes(put, value), options);
    }
    if ("get" in action) {
      const { key, rangeEnd } = folder.span(action.get);
      return opGet(key, { rangeEnd, limit: action.limit ?? 0 });
    }
    if ("delete" in action) {
      const { key, rangeEnd } = folder.span(action.delete);
      return opDelete(key, { rangeEnd, prevKv: action.previous ?? false });
    }
    return opTxn(builderOf(action.txn).#request());
  }

  #outcome(answer: {
    readonly succeeded: boolean;
    readonly revision: number;
    readonly responses: readonly ResponseOp[];
  }): Outcome<V, D, E> {
    const { succeeded, revision, responses } = answer;
    const actions: readonly Action<V>[] = succeeded ? this.#parts.done : this.#parts.otherwise;
    const results = actions.map((action, at) => this.#result(action, responses[at], revision));
    return { succeeded, revision, results } as unknown as Outcome<V, D, E>;
  }

  #result(action: Action<V>, response: ResponseOp | undefined, revision: number): unknown {
    const entries = this.#entries;
    if ("put" in action) return { previous: entries.entryIfAny(response?.responsePut?.prevKv) };
    if ("delete" in action) {
      const { deleted = 0, prevKvs = [] } = response?.responseDeleteRange ?? {};
      return { deleted, previous: prevKvs.map((kv) => entries.entry(kv as KeyValue)) };
    }
    if ("txn" in action) {
      const { succeeded = false, responses = [] } = response?.responseTxn ?? {};
      return builderOf(action.txn).#outcome({ succeeded, revision, responses });
    }
    const { kvs = [], count = 0, more = false } = response?.responseRange ?? {};
    const found = kvs.map((kv) => entries.entry(kv as KeyValue));
    return isKey(action.get) ? found[0] : { entries: found, count, more, revision };
  }
}

const relations: Readonly<Record<Operator, Relation>> = {
  "=": "EQUAL",
  "!=": "NOT_EQUAL",
  "<": "LESS",
  ">": "GREATER",
};

/** What a condition says of where to look, apart from what it says of what is there. */
function placeOf<V>(condition: Condition<V>): Where {
  const given = condition as { readonly [K in "key" | "prefix" | "from" | "to"]?: Key };
  const { key, prefix, from, to } = given;
  const range = {
    ...(prefix !== undefined && { prefix }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
  if (key === undefined) return range as Range;
  if (Object.keys(range).length > 0)
    throw new TypeError("a condition looks at a key or at a range, not at both");
  return key;
}

/** Throws TypeError where somebody else made it. */
function builderOf<V>(txn: unknown): TransactionBuilder<V> {
  if (!(txn instanceof TransactionBuilder))
    throw new TypeError("an inner transaction is made by `txn()`, too");
  return txn;
}
