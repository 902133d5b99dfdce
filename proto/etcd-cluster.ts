import { bool, id64, message, named, nested, type Of, repeated, string } from "../base/protobuf.ts";
import { responseHeader } from "./etcd.ts";

/** etcdserverpb's Cluster service and the members it speaks of. */
export const member = message({
  id: named("ID", id64(1)),
  name: string(2),
  peerUrls: named("peerURLs", repeated(string(3))),
  clientUrls: named("clientURLs", repeated(string(4))),
  isLearner: named("isLearner", bool(5)),
});
export type WireMember = Of<typeof member>;

export const memberAddRequest = message({
  peerUrls: named("peerURLs", repeated(string(1))),
  isLearner: named("isLearner", bool(2)),
});
export type MemberAddRequest = Of<typeof memberAddRequest>;
export const memberAddResponse = message({
  header: nested(1, responseHeader),
  member: nested(2, member),
  members: repeated(nested(3, member)),
});
export type MemberAddResponse = Of<typeof memberAddResponse>;

export const memberRemoveRequest = message({ id: named("ID", id64(1)) });
export type MemberRemoveRequest = Of<typeof memberRemoveRequest>;
export const memberUpdateRequest = message({
  id: named("ID", id64(1)),
  peerUrls: named("peerURLs", repeated(string(2))),
});
export type MemberUpdateRequest = Of<typeof memberUpdateRequest>;
export const memberPromoteRequest = message({ id: named("ID", id64(1)) });
export type MemberPromoteRequest = Of<typeof memberPromoteRequest>;
export const memberListRequest = message({ linearizable: bool(1) });
export type MemberListRequest = Of<typeof memberListRequest>;

/** The answer to every call but MemberAdd. */
export const membersResponse = message({
  header: nested(1, responseHeader),
  members: repeated(nested(2, member)),
});
export type MembersResponse = Of<typeof membersResponse>;
