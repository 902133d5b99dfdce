import { bytes, enumeration, int64, message, nested, type Of, signedId } from "../base/protobuf.ts";

/** etcd's mvccpb (kv.proto). Stored values and watch events are these bytes. */
export const keyValue = message({
  key: bytes(1),
  createRevision: int64(2),
  modRevision: int64(3),
  version: int64(4),
  value: bytes(5),
  lease: signedId(6),
});
export type KeyValue = Of<typeof keyValue>;

export const event = message({
  type: enumeration(1, { PUT: 0, DELETE: 1 }),
  kv: nested(2, keyValue),
  prevKv: nested(3, keyValue),
});
export type Event = Of<typeof event>;
