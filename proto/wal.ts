import { always, bytes, id64, int64, message, nested, optional, uint32 } from "../base/protobuf.ts";
import { confState, sparseConfState } from "./raft.ts";

/** etcd's walpb (record.proto): what a write-ahead log frame holds. */
export const recordTypes = { METADATA: 1, ENTRY: 2, STATE: 3, CRC: 4, SNAPSHOT: 5 } as const;
export const record = message({ type: always(int64(1)), crc: always(uint32(2)), data: optional(bytes(3)) });
const place = { index: always(int64(1)), term: always(int64(2)) };
export const walSnapshot = message({ ...place, confState: nested(3, confState) });
export const sparseWalSnapshot = message({ ...place, confState: nested(3, sparseConfState) });
/** etcdserverpb.Metadata, the first record's payload. */
export const walMetadata = message({ nodeId: always(id64(1)), clusterId: always(id64(2)) });
