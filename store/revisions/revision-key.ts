/** Revisions are safe integers: at a million transactions a second 2^53 lasts 285 years. */
export interface Revision {
  readonly main: number;
  readonly sub: number;
}

const revisionKeyBytes = 17;
const tombstoneMark = "t";

/** etcd's key of a row: main and sub as 8 bytes each, big-endian, `_` between them, and a `t` when it is a deletion. */
export function revisionKey(main: number, sub: number): string {
  const high = Math.floor(main / 2 ** 32);
  const low = main >>> 0;
  return String.fromCharCode(
    high >>> 24,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
    0x5f,
    0,
    0,
    0,
    0,
    sub >>> 24,
    (sub >>> 16) & 0xff,
    (sub >>> 8) & 0xff,
    sub & 0xff,
  );
}

export function tombstoneKey(main: number, sub: number): string {
  return revisionKey(main, sub) + tombstoneMark;
}

/** Whether a row's key is what this file writes; anything else would be looked up in vain later. */
export function isRevisionKey(key: string): boolean {
  const isLong = key.length === revisionKeyBytes || (isTombstone(key) && key.endsWith(tombstoneMark));
  if (!isLong || uint32(key, 0) > 0x1f_ffff || key.charCodeAt(8) !== 0x5f) return false;
  return uint32(key, 9) === 0;
}

export function isTombstone(key: string): boolean {
  return key.length === revisionKeyBytes + 1;
}

export function mainOf(key: string): number {
  return uint32(key, 0) * 2 ** 32 + uint32(key, 4);
}

export function subOf(key: string): number {
  return uint32(key, 13);
}

function uint32(key: string, at: number): number {
  return (
    ((key.charCodeAt(at) << 24) |
      (key.charCodeAt(at + 1) << 16) |
      (key.charCodeAt(at + 2) << 8) |
      key.charCodeAt(at + 3)) >>>
    0
  );
}
