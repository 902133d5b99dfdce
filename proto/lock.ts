import { bytes, message, nested, type Of, signedId } from "../base/protobuf.ts";
import { responseHeader } from "./etcd.ts";

/** v3lockpb's Lock service. */
export const lockRequest = message({ name: bytes(1), lease: signedId(2) });
export type LockRequest = Of<typeof lockRequest>;
export const lockResponse = message({ header: nested(1, responseHeader), key: bytes(2) });
export type LockResponse = Of<typeof lockResponse>;
export const unlockRequest = message({ key: bytes(1) });
export type UnlockRequest = Of<typeof unlockRequest>;
export const unlockResponse = message({ header: nested(1, responseHeader) });
export type UnlockResponse = Of<typeof unlockResponse>;
