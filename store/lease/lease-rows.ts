import { int64, message, signedId } from "../../base/protobuf.ts";
import { latin1, latin1Bytes } from "../../base/wire.ts";

/** etcd's leasepb.Lease, the value of a row in the `lease` bucket. */
const storedLease = message({ id: signedId(1), ttl: int64(2), remainingTtl: int64(3) });

export interface LeaseRow {
  readonly id: bigint;
  readonly ttl: number;
  readonly remainingTtl: number;
}

/** The row's key: the id as 8 bytes, big-endian. */
export function leaseKey(id: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(id);
  return latin1(bytes);
}

export function encodeLease(row: LeaseRow): Uint8Array {
  return storedLease.encode(row);
}

export function decodeLease(key: string, value: Uint8Array): LeaseRow {
  const { ttl, remainingTtl } = storedLease.decode(value);
  return { id: Buffer.from(latin1Bytes(key)).readBigInt64BE(), ttl, remainingTtl };
}
