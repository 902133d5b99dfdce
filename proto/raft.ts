import {
  always,
  bool,
  bytes,
  enumeration,
  id64,
  int64,
  message,
  nested,
  type Of,
  optional,
  repeated,
} from "../base/protobuf.ts";

/** etcd's raftpb (raft.proto, proto2). Used on peer links and in the write-ahead log. gogoproto writes scalar fields even
 *  when zero; `always` keeps the bytes the same. */
const entryType = enumeration(1, { NORMAL: 0, CONF_CHANGE: 1, CONF_CHANGE_V2: 2 });
const entryFields = { term: always(int64(2)), index: always(int64(3)), data: optional(bytes(4)) };
export const entry = message({ type: always(entryType), ...entryFields });
/** As etcd 3.7 writes it: without the type of a normal one. */
export const sparseEntry = message({ type: entryType, ...entryFields });
export type WireEntry = Of<typeof entry>;

const confStateFields = {
  voters: repeatedIds(1),
  learners: repeatedIds(2),
  votersOutgoing: repeatedIds(3),
  learnersNext: repeatedIds(4),
};
export const confState = message({ ...confStateFields, autoLeave: always(bool(5)) });
/** As etcdutl 3.7 writes it, which does not say what nobody asked for. */
export const sparseConfState = message({ ...confStateFields, autoLeave: bool(5) });
export type WireConfState = Of<typeof confState>;

export const snapshotMetadata = message({
  confState: always(nested(1, confState)),
  index: always(int64(2)),
  term: always(int64(3)),
});
export const snapshot = message({ data: optional(bytes(1)), metadata: nested(2, snapshotMetadata) });

export const messageTypes = {
  HUP: 0,
  BEAT: 1,
  PROP: 2,
  APP: 3,
  APP_RESP: 4,
  VOTE: 5,
  VOTE_RESP: 6,
  SNAP: 7,
  HEARTBEAT: 8,
  HEARTBEAT_RESP: 9,
  UNREACHABLE: 10,
  SNAP_STATUS: 11,
  CHECK_QUORUM: 12,
  TRANSFER_LEADER: 13,
  TIMEOUT_NOW: 14,
  READ_INDEX: 15,
  READ_INDEX_RESP: 16,
  PRE_VOTE: 17,
  PRE_VOTE_RESP: 18,
} as const;

const raftMessageRows = {
  type: always(enumeration(1, messageTypes)),
  to: always(id64(2)),
  from: always(id64(3)),
  term: always(int64(4)),
  logTerm: always(int64(5)),
  index: always(int64(6)),
  entries: repeated(nested(7, entry)),
  commit: always(int64(8)),
  snapshot: nested(9, snapshot),
  reject: always(bool(10)),
  rejectHint: always(int64(11)),
  context: optional(bytes(12)),
  vote: optional(int64(13)),
};
export const raftMessage = message(raftMessageRows);
/** As members write it to each other: with a field that etcd's has not; see Message in store/raft. */
export const peerMessage = message({ ...raftMessageRows, commitTerm: optional(int64(100)) });
export type WireRaftMessage = Of<typeof raftMessage>;

export const hardState = message({ term: always(int64(1)), vote: always(id64(2)), commit: always(int64(3)) });

export const confChange = message({
  id: always(id64(1)),
  type: always(enumeration(2, { ADD_NODE: 0, REMOVE_NODE: 1, UPDATE_NODE: 2, ADD_LEARNER_NODE: 3 })),
  nodeId: always(id64(3)),
  /** JSON of the member, as etcd keeps it. */
  context: optional(bytes(4)),
});
export type WireConfChange = Of<typeof confChange>;

/** Repeated ids are written unpacked in proto2, and read either way. */
function repeatedIds(number: number) {
  return { ...repeated(id64(number)), packed: false };
}
