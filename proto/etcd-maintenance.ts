import {
  bool,
  bytes,
  clampedInt64,
  id64,
  int64,
  message,
  named,
  nested,
  type Of,
  openEnumeration,
  repeated,
  string,
  uint32,
} from "../base/protobuf.ts";
import { alarmTypes, responseHeader } from "./etcd.ts";

/** etcdserverpb's Maintenance service; fields marked 3.6 are absent from older servers. */
export const alarmMember = message({
  memberId: named("memberID", id64(1)),
  alarm: openEnumeration(2, alarmTypes),
});
export type AlarmMember = Of<typeof alarmMember>;
export const alarmResponse = message({
  header: nested(1, responseHeader),
  alarms: repeated(nested(2, alarmMember)),
});
export type AlarmResponse = Of<typeof alarmResponse>;

export const statusRequest = message({});
export const downgradeInfo = message({ enabled: bool(1), targetVersion: named("targetVersion", string(2)) });
export const statusResponse = message({
  header: nested(1, responseHeader),
  version: string(2),
  dbSize: named("dbSize", int64(3)),
  leader: id64(4),
  raftIndex: named("raftIndex", int64(5)),
  raftTerm: named("raftTerm", int64(6)),
  raftAppliedIndex: named("raftAppliedIndex", int64(7)),
  errors: repeated(string(8)),
  dbSizeInUse: named("dbSizeInUse", int64(9)),
  isLearner: named("isLearner", bool(10)),
  storageVersion: named("storageVersion", string(11)), // 3.6
  dbSizeQuota: named("dbSizeQuota", int64(12)), // 3.6
  downgradeInfo: named("downgradeInfo", nested(13, downgradeInfo)), // 3.6
});
export type StatusResponse = Of<typeof statusResponse>;

export const defragmentRequest = message({});
export const defragmentResponse = message({ header: nested(1, responseHeader) });

export const hashRequest = message({});
export const hashResponse = message({ header: nested(1, responseHeader), hash: uint32(2) });
export type HashResponse = Of<typeof hashResponse>;
export const hashKvRequest = message({ revision: clampedInt64(1) });
export type HashKvRequest = Of<typeof hashKvRequest>;
export const hashKvResponse = message({
  header: nested(1, responseHeader),
  hash: uint32(2),
  compactRevision: int64(3),
  hashRevision: int64(4), // 3.6
});
export type HashKvResponse = Of<typeof hashKvResponse>;

export const snapshotRequest = message({});
export const snapshotResponse = message({
  header: nested(1, responseHeader),
  remainingBytes: int64(2),
  blob: bytes(3),
  version: string(4), // 3.6
});
export type SnapshotResponse = Of<typeof snapshotResponse>;

export const moveLeaderRequest = message({ targetId: named("targetID", id64(1)) });
export type MoveLeaderRequest = Of<typeof moveLeaderRequest>;
export const moveLeaderResponse = message({ header: nested(1, responseHeader) });

export const downgradeRequest = message({
  action: openEnumeration(1, { VALIDATE: 0, ENABLE: 1, CANCEL: 2 }),
  version: string(2),
});
export type DowngradeRequest = Of<typeof downgradeRequest>;
export const downgradeResponse = message({ header: nested(1, responseHeader), version: string(2) });
