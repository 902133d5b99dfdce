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
import type { TxnAnswer } from "../mvcc/branch.ts";
import type { RangeAnswer } from "../mvcc/range.ts";
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

/** Results carry stored bytes in place of key-values (`PutAnswer`, `DeleteRangeAnswer`, `RangeAnswer`, `TxnAnswer` of
 *  store/mvcc): the messages' `encode` take them as they are. A compaction answers `CompactionAnswer`, an alarm request
 *  `AlarmAnswer` (apply-request.ts). */
export type ApplyResponse =
  | PutResponse
  | DeleteRangeResponse
  | TxnResponse
  | RangeResponse
  | LeaseGrantResponse
  | object;

/** Who waits for a request finds it by the id in its header. Registered by `store/propose`. */
export type AppliedListener = (requestId: bigint, result: ApplyResult, at: Index) => void;

/** Asked once by a read that does not end with its first slice. Undefined: it may go on. */
export type RoomForLarge = () => Promise<void> | undefined;

/** What the rpc layer asks of the state directly, on the serving thread, without the log. */
export interface StateReader {
  /** Serves from the current state, or from `request.revision`. Throws StoreError (COMPACTED, FUTURE_REVISION, …). */
  range(request: RangeRequest): RangeResponse;
  /** The same with stored bytes in place of key-values, for the wire: `rangeResponse.encode` takes it. A large one takes several
   *  turns of the event loop, and sees the state as it was when it began; it begins once there is room for it. */
  storedRange(request: RangeRequest, roomForLarge?: RoomForLarge): RangeAnswer | Promise<RangeAnswer>;
  /** The first keys of a range that is neither filtered nor sorted, as many as its limit says, or fewer that reach `bytesMax`. */
  storedChunk(request: RangeRequest, bytesMax: number): RangeAnswer | Promise<RangeAnswer>;
  storedReadOnlyTxn(request: TxnRequest, roomForLarge?: RoomForLarge): TxnAnswer | Promise<TxnAnswer>;
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
