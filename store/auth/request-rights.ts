import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../proto/etcd.ts";
import type { AuthState, Requester } from "./auth-state.ts";
import { keyRange, oneKey } from "./key-ranges.ts";

/** The keys that hang on a lease; undefined for a lease that does not exist. */
export type KeysOfLease = (id: bigint) => Iterable<string> | undefined;

/** What a requester may do with keys, by request; the checks and their order are etcd's. Each throws what `AuthState` throws.
 *  A check is worth something only in the turn in which the request takes effect. */
export class RequestRights {
  readonly #auth: AuthState;
  readonly #keysOf: KeysOfLease;

  constructor(auth: AuthState, keysOf: KeysOfLease) {
    this.#auth = auth;
    this.#keysOf = keysOf;
  }

  range({ key, rangeEnd }: Pick<RangeRequest, "key" | "rangeEnd">, who: Requester): void {
    this.#auth.requireRead(who, keyRange(key, rangeEnd));
  }

  /** Who gives a key to a lease could end the lease and with it all its keys; and the former value is read. */
  put({ key, lease, prevKv }: PutRequest, who: Requester): void {
    const range = keyRange(key, noEnd);
    this.#auth.requireWrite(who, range);
    this.writeKeysOf(lease, who);
    if (prevKv) this.#auth.requireRead(who, range);
  }

  deleteRange({ key, rangeEnd, prevKv }: DeleteRangeRequest, who: Requester): void {
    const range = keyRange(key, rangeEnd);
    this.#auth.requireWrite(who, range);
    if (prevKv) this.#auth.requireRead(who, range);
  }

  /** Both branches, however deep, whichever of them will run: the outcome must not tell of keys that may not be read. */
  txn({ compare, success, failure }: TxnRequest, who: Requester): void {
    for (const one of compare) this.range(one, who);
    for (const op of success) this.#op(op, who);
    for (const op of failure) this.#op(op, who);
  }

  /** The right to write every key of a lease. */
  writeKeysOf(lease: bigint, who: Requester): void {
    const keys = this.#keysOf(lease);
    if (keys === undefined || this.#mayAll(who)) return;
    for (const key of keys) this.#auth.requireWrite(who, oneKey(key));
  }

  /** The right to read every key of a lease. */
  readKeysOf(lease: bigint, who: Requester): void {
    const keys = this.#keysOf(lease);
    if (keys === undefined || this.#mayAll(who)) return;
    for (const key of keys) this.#auth.requireRead(who, oneKey(key));
  }

  /** As in etcd root's leases are not bound to a revision of users and roles. */
  #mayAll(who: Requester): boolean {
    return !this.#auth.isOn || this.#auth.isRoot(who);
  }

  #op({ requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp, who: Requester): void {
    if (requestRange !== undefined) this.range(requestRange, who);
    else if (requestPut !== undefined) this.put(requestPut, who);
    else if (requestDeleteRange !== undefined) this.deleteRange(requestDeleteRange, who);
    else if (requestTxn !== undefined) this.txn(requestTxn, who);
  }
}

const noEnd = new Uint8Array(0);
