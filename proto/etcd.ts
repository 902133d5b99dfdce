import {
  bool,
  bytes,
  clampedInt64,
  type Encodable,
  id64,
  int64,
  type Message,
  message,
  named,
  nested,
  type Of,
  oneOf,
  openEnumeration,
  optional,
  repeated,
  signedId,
  string,
} from "../base/protobuf.ts";
import * as auth from "./etcd-auth-requests.ts";
import { event, type KeyValue, keyValue } from "./mvcc.ts";

/** etcd's etcdserverpb (rpc.proto), the part every request path needs: KV, Lease, Watch. Field numbers are the wire
 *  contract; `etcd.proto` beside this file says the same in protobuf's own language, and a test compares the two. */
export const responseHeader = message({
  clusterId: id64(1),
  memberId: id64(2),
  revision: int64(3),
  raftTerm: int64(4),
});
export type ResponseHeader = Of<typeof responseHeader>;

// ---- KV
export const rangeRequest = message({
  key: bytes(1),
  rangeEnd: bytes(2),
  limit: clampedInt64(3),
  revision: clampedInt64(4),
  sortOrder: openEnumeration(5, { NONE: 0, ASCEND: 1, DESCEND: 2 }),
  sortTarget: openEnumeration(6, { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 }),
  serializable: bool(7),
  keysOnly: bool(8),
  countOnly: bool(9),
  minModRevision: clampedInt64(10),
  maxModRevision: clampedInt64(11),
  minCreateRevision: clampedInt64(12),
  maxCreateRevision: clampedInt64(13),
});
export type RangeRequest = Of<typeof rangeRequest>;
export const rangeResponse = message({
  header: nested(1, responseHeader),
  kvs: repeated(nested(2, keyValue)),
  more: bool(3),
  count: int64(4),
});
export type RangeResponse = Of<typeof rangeResponse>;
/** A part of the answer; all parts merged are the answer. */
export const rangeStreamResponse = message({ rangeResponse: nested(1, rangeResponse) });
export type RangeStreamResponse = Of<typeof rangeStreamResponse>;

export const putRequest = message({
  key: bytes(1),
  value: bytes(2),
  lease: signedId(3),
  prevKv: bool(4),
  ignoreValue: bool(5),
  ignoreLease: bool(6),
});
export type PutRequest = Of<typeof putRequest>;
export const putResponse = message({ header: nested(1, responseHeader), prevKv: nested(2, keyValue) });
export type PutResponse = Of<typeof putResponse>;

export const deleteRangeRequest = message({ key: bytes(1), rangeEnd: bytes(2), prevKv: bool(3) });
export type DeleteRangeRequest = Of<typeof deleteRangeRequest>;
export const deleteRangeResponse = message({
  header: nested(1, responseHeader),
  deleted: int64(2),
  prevKvs: repeated(nested(3, keyValue)),
});
export type DeleteRangeResponse = Of<typeof deleteRangeResponse>;

export const compare = message({
  result: openEnumeration(1, { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 }),
  target: openEnumeration(2, { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 }),
  key: bytes(3),
  // the one that belongs to the target; absent means zero
  ...oneOf("target_union", {
    version: optional(clampedInt64(4)),
    createRevision: optional(clampedInt64(5)),
    modRevision: optional(clampedInt64(6)),
    value: optional(bytes(7)),
    lease: optional(signedId(8)),
  }),
  rangeEnd: bytes(64),
});
export type Compare = Of<typeof compare>;

/** One of the four; a transaction inside a transaction makes the type recursive. */
export interface RequestOp {
  requestRange: RangeRequest | undefined;
  requestPut: PutRequest | undefined;
  requestDeleteRange: DeleteRangeRequest | undefined;
  requestTxn: TxnRequest | undefined;
}
export interface TxnRequest {
  compare: readonly Compare[];
  success: readonly RequestOp[];
  failure: readonly RequestOp[];
}
export const requestOp: Message<RequestOp> = message({
  ...oneOf("request", {
    requestRange: nested(1, rangeRequest),
    requestPut: nested(2, putRequest),
    requestDeleteRange: nested(3, deleteRangeRequest),
    requestTxn: nested<TxnRequest>(4, () => txnRequest),
  }),
});
export const txnRequest: Message<TxnRequest> = message({
  compare: repeated(nested(1, compare)),
  success: repeated(nested(2, requestOp)),
  failure: repeated(nested(3, requestOp)),
});

export interface ResponseOp {
  responseRange: RangeResponse | undefined;
  responsePut: PutResponse | undefined;
  responseDeleteRange: DeleteRangeResponse | undefined;
  responseTxn: TxnResponse | undefined;
}
export interface TxnResponse {
  header: ResponseHeader | undefined;
  succeeded: boolean;
  responses: readonly ResponseOp[];
}
export const responseOp: Message<ResponseOp> = message({
  ...oneOf("response", {
    responseRange: nested(1, rangeResponse),
    responsePut: nested(2, putResponse),
    responseDeleteRange: nested(3, deleteRangeResponse),
    responseTxn: nested<TxnResponse>(4, () => txnResponse),
  }),
});
export const txnResponse: Message<TxnResponse> = message({
  header: nested(1, responseHeader),
  succeeded: bool(2),
  responses: repeated(nested(3, responseOp)),
});

export const compactionRequest = message({ revision: clampedInt64(1), physical: bool(2) });
export type CompactionRequest = Of<typeof compactionRequest>;
export const compactionResponse = message({ header: nested(1, responseHeader) });

// ---- Lease
export const leaseGrantRequest = message({
  ttl: named("TTL", clampedInt64(1)),
  id: named("ID", signedId(2)),
});
export type LeaseGrantRequest = Of<typeof leaseGrantRequest>;
export const leaseGrantResponse = message({
  header: nested(1, responseHeader),
  id: named("ID", signedId(2)),
  ttl: named("TTL", int64(3)),
  error: string(4),
});
export type LeaseGrantResponse = Of<typeof leaseGrantResponse>;
export const leaseRevokeRequest = message({ id: named("ID", signedId(1)) });
export type LeaseRevokeRequest = Of<typeof leaseRevokeRequest>;
export const leaseRevokeResponse = message({ header: nested(1, responseHeader) });
export const leaseCheckpoint = message({
  id: named("ID", signedId(1)),
  remainingTtl: named("remaining_TTL", int64(2)),
});
export const leaseCheckpointRequest = message({ checkpoints: repeated(nested(1, leaseCheckpoint)) });
export type LeaseCheckpointRequest = Of<typeof leaseCheckpointRequest>;
export const leaseKeepAliveRequest = message({ id: named("ID", signedId(1)) });
export const leaseKeepAliveResponse = message({
  header: nested(1, responseHeader),
  id: named("ID", signedId(2)),
  ttl: named("TTL", int64(3)),
});
export const leaseTimeToLiveRequest = message({ id: named("ID", signedId(1)), keys: bool(2) });
export const leaseTimeToLiveResponse = message({
  header: nested(1, responseHeader),
  id: named("ID", signedId(2)),
  ttl: named("TTL", int64(3)),
  grantedTtl: named("grantedTTL", int64(4)),
  keys: repeated(bytes(5)),
});
export const leaseLeasesRequest = message({});
export const leaseStatus = message({ id: named("ID", signedId(1)) });
export const leaseLeasesResponse = message({
  header: nested(1, responseHeader),
  leases: repeated(nested(2, leaseStatus)),
});

// ---- Watch
export const watchCreateRequest = message({
  key: bytes(1),
  rangeEnd: bytes(2),
  startRevision: clampedInt64(3),
  progressNotify: bool(4),
  filters: repeated(openEnumeration(5, { NOPUT: 0, NODELETE: 1 })),
  prevKv: bool(6),
  watchId: signedId(7),
  fragment: bool(8),
});
export type WatchCreateRequest = Of<typeof watchCreateRequest>;
export const watchCancelRequest = message({ watchId: signedId(1) });
export const watchProgressRequest = message({});
export const watchRequest = message({
  ...oneOf("request_union", {
    createRequest: nested(1, watchCreateRequest),
    cancelRequest: nested(2, watchCancelRequest),
    progressRequest: nested(3, watchProgressRequest),
  }),
});
export type WatchRequest = Of<typeof watchRequest>;
export const watchResponse = message({
  header: nested(1, responseHeader),
  watchId: signedId(2),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int64(5),
  cancelReason: string(6),
  fragment: bool(7),
  events: repeated(nested(11, event)),
});
export type WatchResponse = Of<typeof watchResponse>;

// ---- What enters the log (raft_internal.proto)
export const requestHeader = message({
  id: named("ID", id64(1)),
  username: string(2),
  authRevision: int64(3),
});
export const alarmTypes = { NONE: 0, NOSPACE: 1, CORRUPT: 2 } as const;
export const alarmRequest = message({
  action: openEnumeration(1, { GET: 0, ACTIVATE: 1, DEACTIVATE: 2 }),
  memberId: named("memberID", id64(2)),
  alarm: openEnumeration(3, alarmTypes),
});
export type AlarmRequest = Of<typeof alarmRequest>;
/** What a member says of itself once it runs (membershippb.ClusterMemberAttrSetRequest). */
export const memberAttributes = message({ name: string(1), clientUrls: repeated(string(2)) });
export const clusterMemberAttrSetRequest = message({
  memberId: named("member_ID", id64(1)),
  memberAttributes: nested(2, memberAttributes),
});
export type ClusterMemberAttrSetRequest = Of<typeof clusterMemberAttrSetRequest>;
/** The version all members speak (membershippb.ClusterVersionSetRequest). */
export const clusterVersionSetRequest = message({ ver: string(1) });
export type ClusterVersionSetRequest = Of<typeof clusterVersionSetRequest>;
/** The older version that the cluster is on its way to (membershippb.DowngradeInfoSetRequest). */
export const downgradeInfoSetRequest = message({ enabled: bool(1), ver: string(2) });
export type DowngradeInfoSetRequest = Of<typeof downgradeInfoSetRequest>;
/** The payload of a normal log entry: a header and one request. When proposing, the request's own bytes are embedded
 *  unchanged (`encode` takes bytes in place of a nested message). */
export const internalRaftRequest = message({
  range: nested(3, rangeRequest),
  put: nested(4, putRequest),
  deleteRange: nested(5, deleteRangeRequest),
  txn: nested(6, txnRequest),
  compaction: nested(7, compactionRequest),
  leaseGrant: nested(8, leaseGrantRequest),
  leaseRevoke: nested(9, leaseRevokeRequest),
  alarm: nested(10, alarmRequest),
  leaseCheckpoint: nested(11, leaseCheckpointRequest),
  header: nested(100, requestHeader),
  authEnable: nested(1000, auth.authEnableRequest),
  authDisable: nested(1011, auth.authDisableRequest),
  authenticate: nested(1012, auth.internalAuthenticateRequest),
  authStatus: nested(1013, auth.authStatusRequest),
  authUserAdd: nested(1100, auth.authUserAddRequest),
  authUserDelete: nested(1101, auth.authUserDeleteRequest),
  authUserGet: nested(1102, auth.authUserGetRequest),
  authUserChangePassword: nested(1103, auth.authUserChangePasswordRequest),
  authUserGrantRole: nested(1104, auth.authUserGrantRoleRequest),
  authUserRevokeRole: nested(1105, auth.authUserRevokeRoleRequest),
  authUserList: nested(1106, auth.authUserListRequest),
  authRoleList: nested(1107, auth.authRoleListRequest),
  authRoleAdd: nested(1200, auth.authRoleAddRequest),
  authRoleDelete: nested(1201, auth.authRoleDeleteRequest),
  authRoleGet: nested(1202, auth.authRoleGetRequest),
  authRoleGrantPermission: nested(1203, auth.authRoleGrantPermissionRequest),
  authRoleRevokePermission: nested(1204, auth.authRoleRevokePermissionRequest),
  clusterVersionSet: nested(1300, clusterVersionSetRequest),
  clusterMemberAttrSet: nested(1301, clusterMemberAttrSetRequest),
  downgradeInfoSet: nested(1302, downgradeInfoSetRequest),
});
export type InternalRaftRequest = Of<typeof internalRaftRequest>;
export type InternalRaftRequestParts = Encodable<InternalRaftRequest>;
export type { KeyValue };
