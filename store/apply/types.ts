import type {
  AlarmRequest,
  CompactionRequest,
  DeleteRangeRequest,
  DeleteRangeResponse,
  InternalRaftRequest,
  LeaseGrantRequest,
  LeaseGrantResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from "../../proto/etcd.ts";
import type { StoreError } from "../errors.ts";
import type { Index } from "../raft/types.ts";

/** The outcome of one applied request, without its header (the rpc layer adds it); errors are expected ones. */
export type ApplyResult =
  | {
      readonly ok: true;
      readonly kind: keyof InternalRaftRequest;
      readonly response: ApplyResponse;
      readonly revision: number;
    }
  | { readonly ok: false; readonly error: StoreError };
export type ApplyResponse =
  | PutResponse
  | DeleteRangeResponse
  | TxnResponse
  | RangeResponse
  | LeaseGrantResponse
  | object;

/** Who waits for a request finds it by the id in its header. Registered by `store/propose`. */
export type AppliedListener = (requestId: bigint, result: ApplyResult, at: Index) => void;

/** What the rpc layer asks of the state directly, on the serving thread, without the log. */
export interface StateReader {
  /** Serves from the current state, or from `request.revision`. Throws StoreError (COMPACTED, FUTURE_REVISION, …). */
  range(request: RangeRequest): RangeResponse;
  /** Serves a transaction all of whose operations are ranges. */
  readOnlyTxn(request: TxnRequest): TxnResponse;
  readonly revision: number;
  readonly compactRevision: number;
  readonly appliedIndex: Index;
  /** Resolves when the applied index reached `index`. */
  waitApplied(index: Index, signal?: AbortSignal): Promise<void>;
  readonly sizeBytes: number;
  readonly sizeInUseBytes: number;
}
export type {
  AlarmRequest,
  CompactionRequest,
  DeleteRangeRequest,
  LeaseGrantRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
};
