import {
  type RangeRequest,
  type RangeResponse,
  rangeResponse,
  type TxnRequest,
  type TxnResponse,
  txnResponse,
} from "../../proto/etcd.ts";
import type { MvccStore } from "../mvcc/mvcc-store.ts";
import { executeRange, type RangeAnswer } from "../mvcc/range.ts";
import { executeReadOnlyTxn, type TxnAnswer } from "../mvcc/txn.ts";
import type { Index } from "../raft/types.ts";
import type { EntryApplier } from "./state-machine.ts";
import type { StateReader } from "./types.ts";

/** Serves reads from the state in memory and the database, on the calling thread. */
export class MvccReader implements StateReader {
  readonly #mvcc: MvccStore;
  readonly #applier: EntryApplier;

  constructor(mvcc: MvccStore, applier: EntryApplier) {
    this.#mvcc = mvcc;
    this.#applier = applier;
  }

  range(request: RangeRequest): RangeResponse {
    return rangeResponse.decode(rangeResponse.encode(this.storedRange(request)));
  }

  storedRange(request: RangeRequest): RangeAnswer {
    return executeRange(this.#mvcc, request);
  }

  readOnlyTxn(request: TxnRequest): TxnResponse {
    return txnResponse.decode(txnResponse.encode(this.storedReadOnlyTxn(request)));
  }

  storedReadOnlyTxn(request: TxnRequest): TxnAnswer {
    return executeReadOnlyTxn(this.#mvcc, request);
  }

  get revision(): number {
    return this.#mvcc.revision;
  }
  get compactRevision(): number {
    return this.#mvcc.compactRevision;
  }
  get appliedIndex(): Index {
    return this.#applier.appliedIndex;
  }
  waitApplied(index: Index, signal?: AbortSignal): Promise<void> {
    return this.#applier.appliedIndex >= index
      ? Promise.resolve()
      : this.#applier.waiters.wait(index, signal);
  }
  get sizeBytes(): number {
    return this.#mvcc.backend.sizeBytes;
  }
  /** LevelDB gives space back by itself, so that all of it is in use as far as anyone can tell. */
  get sizeInUseBytes(): number {
    return this.#mvcc.backend.sizeBytes;
  }
}
