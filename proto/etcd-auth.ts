import {
  bool,
  bytes,
  id64,
  type Message,
  message,
  named,
  nested,
  type Of,
  openEnumeration,
  repeated,
  string,
} from "../base/protobuf.ts";
import { responseHeader } from "./etcd.ts";

/** etcdserverpb's Auth service, with what it takes from authpb. */
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
export const authenticateResponse = message({ header: nested(1, responseHeader), token: string(2) });

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

export const authStatusResponse = message({
  header: nested(1, responseHeader),
  enabled: bool(2),
  authRevision: named("authRevision", id64(3)),
});
export type AuthStatusResponse = Of<typeof authStatusResponse>;
export const authUserGetResponse = message({ header: nested(1, responseHeader), roles: repeated(string(2)) });
export const authUserListResponse = message({
  header: nested(1, responseHeader),
  users: repeated(string(2)),
});
export const authRoleGetResponse = message({
  header: nested(1, responseHeader),
  perm: repeated(nested(2, permission)),
});
export const authRoleListResponse = message({
  header: nested(1, responseHeader),
  roles: repeated(string(2)),
});

/** The answer to every call that has nothing to tell. */
export const authDoneResponse: Message<{ header: Of<typeof responseHeader> | undefined }> = message({
  header: nested(1, responseHeader),
});
