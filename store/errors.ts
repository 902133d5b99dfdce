import type { GrpcStatus } from "../base/grpc/status.ts";

/** Expected failures: one table of etcd's codes and texts (api/v3rpc/rpctypes), mapped to gRPC once, at the edge. */
export interface ErrorRow {
  readonly status: GrpcStatus;
  readonly message: string;
}

const row = (status: GrpcStatus, text: string): ErrorRow => ({ status, message: `etcdserver: ${text}` });

export const storeErrors = {
  EMPTY_KEY: row("INVALID_ARGUMENT", "key is not provided"),
  KEY_NOT_FOUND: row("INVALID_ARGUMENT", "key not found"),
  VALUE_PROVIDED: row("INVALID_ARGUMENT", "value is provided"),
  LEASE_PROVIDED: row("INVALID_ARGUMENT", "lease is provided"),
  TOO_MANY_OPS: row("INVALID_ARGUMENT", "too many operations in txn request"),
  DUPLICATE_KEY: row("INVALID_ARGUMENT", "duplicate key given in txn request"),
  INVALID_CLIENT_API_VERSION: row("INVALID_ARGUMENT", "invalid client api version"),
  INVALID_SORT_OPTION: row("INVALID_ARGUMENT", "invalid sort option"),
  REQUEST_TOO_LARGE: row("INVALID_ARGUMENT", "request is too large"),
  MEMBER_BAD_URLS: row("INVALID_ARGUMENT", "given member URLs are invalid"),
  COMPACTED: row("OUT_OF_RANGE", "mvcc: required revision has been compacted"),
  FUTURE_REVISION: row("OUT_OF_RANGE", "mvcc: required revision is a future revision"),
  LEASE_TTL_TOO_LARGE: row("OUT_OF_RANGE", "too large lease TTL"),
  NO_SPACE: row("RESOURCE_EXHAUSTED", "mvcc: database space exceeded"),
  TOO_MANY_REQUESTS: row("UNKNOWN", "too many requests"),
  // raft's own words, which etcd's table does not have.
  PROPOSAL_DROPPED: { status: "UNKNOWN", message: "raft proposal dropped" },
  TIMEOUT_LEADER_TRANSFER: row("UNKNOWN", "request timed out, leader transfer took too long"),
  LEASE_NOT_FOUND: row("NOT_FOUND", "requested lease not found"),
  LEASE_EXISTS: row("FAILED_PRECONDITION", "lease already exists"),
  MEMBER_NOT_FOUND: row("NOT_FOUND", "member not found"),
  MEMBER_EXISTS: row("FAILED_PRECONDITION", "member ID already exist"),
  PEER_URL_EXISTS: row("FAILED_PRECONDITION", "Peer URLs already exists"),
  MEMBER_NOT_ENOUGH_STARTED: row("UNKNOWN", "re-configuration failed due to not enough started members"),
  MEMBER_NOT_LEARNER: row("FAILED_PRECONDITION", "can only promote a learner member"),
  LEARNER_NOT_READY: row(
    "FAILED_PRECONDITION",
    "can only promote a learner member which is in sync with leader",
  ),
  TOO_MANY_LEARNERS: row("FAILED_PRECONDITION", "too many learner members in cluster"),
  USER_EMPTY: row("INVALID_ARGUMENT", "user name is empty"),
  ROLE_EMPTY: row("INVALID_ARGUMENT", "role name is empty"),
  PERMISSION_NOT_GIVEN: row("INVALID_ARGUMENT", "permission not given"),
  INVALID_AUTH_MANAGEMENT: row("INVALID_ARGUMENT", "invalid auth management"),
  ROOT_USER_NOT_EXIST: row("FAILED_PRECONDITION", "root user does not exist"),
  USER_NOT_FOUND: row("FAILED_PRECONDITION", "user name not found"),
  ROLE_NOT_FOUND: row("FAILED_PRECONDITION", "role name not found"),
  ROOT_ROLE_NOT_EXIST: row("FAILED_PRECONDITION", "root user does not have root role"),
  USER_EXISTS: row("FAILED_PRECONDITION", "user name already exists"),
  ROLE_EXISTS: row("FAILED_PRECONDITION", "role name already exists"),
  AUTH_FAILED: row("INVALID_ARGUMENT", "authentication failed, invalid user ID or password"),
  PERMISSION_DENIED: row("PERMISSION_DENIED", "permission denied"),
  ROLE_NOT_GRANTED: row("FAILED_PRECONDITION", "role is not granted to the user"),
  PERMISSION_NOT_GRANTED: row("FAILED_PRECONDITION", "permission is not granted to the role"),
  INVALID_AUTH_TOKEN: row("UNAUTHENTICATED", "invalid auth token"),
  AUTH_OLD_REVISION: row("INVALID_ARGUMENT", "revision of auth store is old"),
  // Words of etcd's auth package, which its table does not have.
  NO_PASSWORD_USER: {
    status: "UNKNOWN",
    message: "auth: authentication failed, password was given for no password user",
  },
  VERIFY_ONLY: { status: "UNKNOWN", message: "auth: token signing attempted with verify-only key" },
  PASSWORD_TOO_LONG: { status: "UNKNOWN", message: "bcrypt: password length exceeds 72 bytes" },
  AUTH_NOT_ENABLED: row("FAILED_PRECONDITION", "authentication is not enabled"),
  WRONG_DOWNGRADE_VERSION_FORMAT: row("INVALID_ARGUMENT", "wrong downgrade target version format"),
  INVALID_DOWNGRADE_TARGET: row("INVALID_ARGUMENT", "invalid downgrade target version"),
  UNKNOWN_METHOD: row("UNKNOWN", "unknown method"),
  CLUSTER_VERSION_UNAVAILABLE: row("FAILED_PRECONDITION", "cluster version not found during downgrade"),
  DOWNGRADE_IN_PROCESS: row("FAILED_PRECONDITION", "cluster has a downgrade job in progress"),
  NOT_LEADER: row("FAILED_PRECONDITION", "not leader"),
  NOT_SUPPORTED_FOR_LEARNER: row("FAILED_PRECONDITION", "rpc not supported for learner"),
  BAD_LEADER_TRANSFEREE: row("FAILED_PRECONDITION", "bad leader transferee"),
  CORRUPT: row("DATA_LOSS", "corrupt cluster"),
  NO_LEADER: row("UNAVAILABLE", "no leader"),
  LEADER_CHANGED: row("UNAVAILABLE", "leader changed"),
  STOPPED: row("UNAVAILABLE", "server stopped"),
  TIMEOUT: row("UNAVAILABLE", "request timed out"),
  TIMEOUT_LEADER_FAIL: row("UNAVAILABLE", "request timed out, possibly due to previous leader failure"),
  TIMEOUT_CONNECTION_LOST: row("UNAVAILABLE", "request timed out, possibly due to connection lost"),
  TIMEOUT_WAIT_APPLIED_INDEX: row(
    "UNAVAILABLE",
    "request timed out, waiting for the applied index took too long",
  ),
  UNHEALTHY: row("UNAVAILABLE", "unhealthy cluster"),
  WATCH_CANCELED: row("CANCELLED", "watch canceled"),
} as const satisfies Record<string, ErrorRow>;
export type StoreErrorCode = keyof typeof storeErrors;

export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  readonly status: GrpcStatus;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: StoreErrorCode, data: Readonly<Record<string, unknown>> = {}) {
    super(storeErrors[code].message);
    this.code = code;
    this.status = storeErrors[code].status;
    this.data = data;
  }
}
