import { type Bucket, bucketNames } from "../backend/backend.ts";

/** header: magic (8 bytes), version (1 byte). Then rows: bucket number + 1 (1 byte), key length, value length (4 bytes each,
 *  big-endian), key, value. Then a zero byte and the SHA-256 of everything before the digest. */
export const snapshotMagic = "PINTLESS";
export const snapshotVersion = 1;
export const headerBytes = snapshotMagic.length + 1;
export const rowHeadBytes = 9;
export const digestBytes = 32;

/** Numbers on the wire: append only. */
const numbered: readonly Bucket[] = [
  "key",
  "meta",
  "lease",
  "members",
  "members_removed",
  "cluster",
  "alarm",
  "auth",
  "authUsers",
  "authRoles",
];

export function bucketNumber(bucket: Bucket): number {
  return numbered.indexOf(bucket) + 1;
}

export function bucketOf(number: number): Bucket | undefined {
  return numbered[number - 1];
}

/** Every bucket, in the order of the stream. */
export const snapshotBuckets: readonly Bucket[] = bucketNames;

export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}
