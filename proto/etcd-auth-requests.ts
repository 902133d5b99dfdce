import {
  bool,
  bytes,
  message,
  named,
  nested,
  type Of,
  openEnumeration,
  repeated,
  string,
} from "../base/protobuf.ts";

/** Requests of etcdserverpb's Auth service, with what they take from authpb: they enter the log, too. */
export const userAddOptions = message({ noPassword: bool(1) });
export const permission = message({
  permType: named("permType", openEnumeration(1, { READ: 0, WRITE: 1, READWRITE: 2 })),
  key: bytes(2),
  rangeEnd: bytes(3),
});
export type Permission = Of<typeof permission>;

export const authEnableRequest = message({});
export const authDisableRequest = message({});
export const authStatusRequest = message({});
export const authUserListRequest = message({});
export const authRoleListRequest = message({});

export const authenticateRequest = message({ name: string(1), password: string(2) });
export type AuthenticateRequest = Of<typeof authenticateRequest>;

export const authUserAddRequest = message({
  name: string(1),
  password: string(2),
  options: nested(3, userAddOptions),
  hashedPassword: named("hashedPassword", string(4)),
});
export const authUserGetRequest = message({ name: string(1) });
export const authUserDeleteRequest = message({ name: string(1) });
export const authUserChangePasswordRequest = message({
  name: string(1),
  password: string(2),
  hashedPassword: named("hashedPassword", string(3)),
});
export const authUserGrantRoleRequest = message({ user: string(1), role: string(2) });
export const authUserRevokeRoleRequest = message({ name: string(1), role: string(2) });

export const authRoleAddRequest = message({ name: string(1) });
export const authRoleGetRequest = message({ role: string(1) });
export const authRoleDeleteRequest = message({ role: string(1) });
export const authRoleGrantPermissionRequest = message({ name: string(1), perm: nested(2, permission) });
export const authRoleRevokePermissionRequest = message({
  role: string(1),
  key: bytes(2),
  rangeEnd: bytes(3),
});

/** An authentication as it enters the log, where the password has been checked (etcdserverpb.InternalAuthenticateRequest). */
export const internalAuthenticateRequest = message({
  name: string(1),
  password: string(2),
  simpleToken: string(3),
});

/** What is kept of users and roles (authpb). */
export const user = message({
  name: bytes(1),
  password: bytes(2),
  roles: repeated(string(3)),
  options: nested(4, userAddOptions),
});
export const role = message({
  name: bytes(1),
  keyPermission: named("keyPermission", repeated(nested(2, permission))),
});
