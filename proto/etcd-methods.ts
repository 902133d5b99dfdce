import type { Message } from "../base/protobuf.ts";
import * as election from "./election.ts";
import * as rpc from "./etcd.ts";
import * as auth from "./etcd-auth.ts";
import * as asked from "./etcd-auth-requests.ts";
import * as cluster from "./etcd-cluster.ts";
import * as maintenance from "./etcd-maintenance.ts";
import * as health from "./health.ts";
import * as lock from "./lock.ts";

/** Every call of the store's API: its path on the wire and the two tables. Server and client share them. */
export interface Method<Q extends object, A extends object> {
  readonly path: string;
  readonly kind: "unary" | "serverStream" | "bidiStream";
  readonly request: Message<Q>;
  readonly response: Message<A>;
}

function method<Q extends object, A extends object>(
  path: string,
  request: Message<Q>,
  response: Message<A>,
  kind: Method<Q, A>["kind"] = "unary",
): Method<Q, A> {
  return { path, kind, request, response };
}

export const methods = {
  range: method("/etcdserverpb.KV/Range", rpc.rangeRequest, rpc.rangeResponse),
  rangeStream: method(
    "/etcdserverpb.KV/RangeStream",
    rpc.rangeRequest,
    rpc.rangeStreamResponse,
    "serverStream",
  ),
  put: method("/etcdserverpb.KV/Put", rpc.putRequest, rpc.putResponse),
  deleteRange: method("/etcdserverpb.KV/DeleteRange", rpc.deleteRangeRequest, rpc.deleteRangeResponse),
  txn: method("/etcdserverpb.KV/Txn", rpc.txnRequest, rpc.txnResponse),
  compact: method("/etcdserverpb.KV/Compact", rpc.compactionRequest, rpc.compactionResponse),

  watch: method("/etcdserverpb.Watch/Watch", rpc.watchRequest, rpc.watchResponse, "bidiStream"),

  leaseGrant: method("/etcdserverpb.Lease/LeaseGrant", rpc.leaseGrantRequest, rpc.leaseGrantResponse),
  leaseRevoke: method("/etcdserverpb.Lease/LeaseRevoke", rpc.leaseRevokeRequest, rpc.leaseRevokeResponse),
  leaseKeepAlive: method(
    "/etcdserverpb.Lease/LeaseKeepAlive",
    rpc.leaseKeepAliveRequest,
    rpc.leaseKeepAliveResponse,
    "bidiStream",
  ),
  leaseTimeToLive: method(
    "/etcdserverpb.Lease/LeaseTimeToLive",
    rpc.leaseTimeToLiveRequest,
    rpc.leaseTimeToLiveResponse,
  ),
  leaseLeases: method("/etcdserverpb.Lease/LeaseLeases", rpc.leaseLeasesRequest, rpc.leaseLeasesResponse),

  memberAdd: method("/etcdserverpb.Cluster/MemberAdd", cluster.memberAddRequest, cluster.memberAddResponse),
  memberRemove: method(
    "/etcdserverpb.Cluster/MemberRemove",
    cluster.memberRemoveRequest,
    cluster.membersResponse,
  ),
  memberUpdate: method(
    "/etcdserverpb.Cluster/MemberUpdate",
    cluster.memberUpdateRequest,
    cluster.membersResponse,
  ),
  memberList: method("/etcdserverpb.Cluster/MemberList", cluster.memberListRequest, cluster.membersResponse),
  memberPromote: method(
    "/etcdserverpb.Cluster/MemberPromote",
    cluster.memberPromoteRequest,
    cluster.membersResponse,
  ),

  alarm: method("/etcdserverpb.Maintenance/Alarm", rpc.alarmRequest, maintenance.alarmResponse),
  status: method("/etcdserverpb.Maintenance/Status", maintenance.statusRequest, maintenance.statusResponse),
  defragment: method(
    "/etcdserverpb.Maintenance/Defragment",
    maintenance.defragmentRequest,
    maintenance.defragmentResponse,
  ),
  hash: method("/etcdserverpb.Maintenance/Hash", maintenance.hashRequest, maintenance.hashResponse),
  hashKv: method("/etcdserverpb.Maintenance/HashKV", maintenance.hashKvRequest, maintenance.hashKvResponse),
  snapshot: method(
    "/etcdserverpb.Maintenance/Snapshot",
    maintenance.snapshotRequest,
    maintenance.snapshotResponse,
    "serverStream",
  ),
  moveLeader: method(
    "/etcdserverpb.Maintenance/MoveLeader",
    maintenance.moveLeaderRequest,
    maintenance.moveLeaderResponse,
  ),
  downgrade: method(
    "/etcdserverpb.Maintenance/Downgrade",
    maintenance.downgradeRequest,
    maintenance.downgradeResponse,
  ),

  authEnable: method("/etcdserverpb.Auth/AuthEnable", asked.authEnableRequest, auth.authDoneResponse),
  authDisable: method("/etcdserverpb.Auth/AuthDisable", asked.authDisableRequest, auth.authDoneResponse),
  authStatus: method("/etcdserverpb.Auth/AuthStatus", asked.authStatusRequest, auth.authStatusResponse),
  authenticate: method(
    "/etcdserverpb.Auth/Authenticate",
    asked.authenticateRequest,
    auth.authenticateResponse,
  ),
  userAdd: method("/etcdserverpb.Auth/UserAdd", asked.authUserAddRequest, auth.authDoneResponse),
  userGet: method("/etcdserverpb.Auth/UserGet", asked.authUserGetRequest, auth.authUserGetResponse),
  userList: method("/etcdserverpb.Auth/UserList", asked.authUserListRequest, auth.authUserListResponse),
  userDelete: method("/etcdserverpb.Auth/UserDelete", asked.authUserDeleteRequest, auth.authDoneResponse),
  userChangePassword: method(
    "/etcdserverpb.Auth/UserChangePassword",
    asked.authUserChangePasswordRequest,
    auth.authDoneResponse,
  ),
  userGrantRole: method(
    "/etcdserverpb.Auth/UserGrantRole",
    asked.authUserGrantRoleRequest,
    auth.authDoneResponse,
  ),
  userRevokeRole: method(
    "/etcdserverpb.Auth/UserRevokeRole",
    asked.authUserRevokeRoleRequest,
    auth.authDoneResponse,
  ),
  roleAdd: method("/etcdserverpb.Auth/RoleAdd", asked.authRoleAddRequest, auth.authDoneResponse),
  roleGet: method("/etcdserverpb.Auth/RoleGet", asked.authRoleGetRequest, auth.authRoleGetResponse),
  roleList: method("/etcdserverpb.Auth/RoleList", asked.authRoleListRequest, auth.authRoleListResponse),
  roleDelete: method("/etcdserverpb.Auth/RoleDelete", asked.authRoleDeleteRequest, auth.authDoneResponse),
  roleGrantPermission: method(
    "/etcdserverpb.Auth/RoleGrantPermission",
    asked.authRoleGrantPermissionRequest,
    auth.authDoneResponse,
  ),
  roleRevokePermission: method(
    "/etcdserverpb.Auth/RoleRevokePermission",
    asked.authRoleRevokePermissionRequest,
    auth.authDoneResponse,
  ),

  lock: method("/v3lockpb.Lock/Lock", lock.lockRequest, lock.lockResponse),
  unlock: method("/v3lockpb.Lock/Unlock", lock.unlockRequest, lock.unlockResponse),

  campaign: method("/v3electionpb.Election/Campaign", election.campaignRequest, election.campaignResponse),
  proclaim: method("/v3electionpb.Election/Proclaim", election.proclaimRequest, election.proclaimResponse),
  leader: method("/v3electionpb.Election/Leader", election.leaderRequest, election.leaderResponse),
  observe: method(
    "/v3electionpb.Election/Observe",
    election.leaderRequest,
    election.leaderResponse,
    "serverStream",
  ),
  resign: method("/v3electionpb.Election/Resign", election.resignRequest, election.resignResponse),

  healthCheck: method("/grpc.health.v1.Health/Check", health.healthCheckRequest, health.healthCheckResponse),
  healthWatch: method(
    "/grpc.health.v1.Health/Watch",
    health.healthCheckRequest,
    health.healthCheckResponse,
    "serverStream",
  ),
} as const;
