import {
  bool,
  id64,
  type Message,
  message,
  named,
  nested,
  type Of,
  repeated,
  string,
} from "../base/protobuf.ts";
import { responseHeader } from "./etcd.ts";
import { permission } from "./etcd-auth-requests.ts";

/** Answers of etcdserverpb's Auth service. */
export const authenticateResponse = message({ header: nested(1, responseHeader), token: string(2) });

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
