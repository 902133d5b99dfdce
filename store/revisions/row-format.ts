import { crc32c } from "../../base/crc32c.ts";

/** A row: payload bytes and kind (4 bytes), sub (4), main (8: low half, high half), then the encoded KeyValue. A block: its
 *  head, then its rows. Integers are little-endian. */
export const rowHeadBytes = 16;
const tombstoneBit = 0x8000_0000;
export const payloadBytesMax = 0x7fff_ffff;

/** Checksum of what follows it (4 bytes), magic (4), bytes of the rows (4), rows (4), first main (8), first sub (4). The magic is
 *  24 bits of a checksum of what follows it in the head, then "2": heads are read without their rows, and decide where a
 *  revision is looked for. Until there was such a sum it was "PVB1". */
export const blockHeadBytes = 28;
const sumlessMagic = 0x31425650;
const headSumMask = 0xff_ffff;
const summedMagic = 0x32 * 2 ** 24;

/** Memory that rows are written to or were read into. */
export class Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

export interface RevisionRow {
  readonly main: number;
  readonly sub: number;
  readonly deletion: boolean;
  /** Encoded mvccpb.KeyValue. */
  readonly value: Uint8Array;
}

/** Answers the bytes that the row takes. */
export function writeRow({ bytes, view }: Chunk, at: number, row: RevisionRow): number {
  const { main, sub, deletion, value } = row;
  view.setUint32(at, (value.length | (deletion ? tombstoneBit : 0)) >>> 0, true);
  view.setUint32(at + 4, sub, true);
  view.setUint32(at + 8, main >>> 0, true);
  view.setUint32(at + 12, Math.floor(main / 2 ** 32), true);
  bytes.set(value, at + rowHeadBytes);
  return rowHeadBytes + value.length;
}

export function readRow({ bytes, view }: Chunk, at: number): RevisionRow {
  const kind = view.getUint32(at, true);
  const start = at + rowHeadBytes;
  return {
    main: view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true),
    sub: view.getUint32(at + 4, true),
    deletion: (kind & tombstoneBit) !== 0,
    value: bytes.subarray(start, start + (kind & payloadBytesMax)),
  };
}

/** A row where it lies; its value is bytes [start, end). Filled in anew for each. */
export interface PlacedRow {
  main: number;
  sub: number;
  deletion: boolean;
  bytes: Uint8Array;
  start: number;
  end: number;
}

export const placedRow = (): PlacedRow => ({
  main: 0,
  sub: 0,
  deletion: false,
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
});

export function fillRow({ bytes, view }: Chunk, at: number, row: PlacedRow): void {
  const kind = view.getUint32(at, true);
  row.main = view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true);
  row.sub = view.getUint32(at + 4, true);
  row.deletion = (kind & tombstoneBit) !== 0;
  row.bytes = bytes;
  row.start = at + rowHeadBytes;
  row.end = row.start + (kind & payloadBytesMax);
}

export function rowBytesAt({ view }: Chunk, at: number): number {
  return rowHeadBytes + (view.getUint32(at, true) & payloadBytesMax);
}

/** Where in [start, end) the row of a revision begins; -1 where it is not. */
export function findRow(chunk: Chunk, start: number, end: number, main: number, sub: number): number {
  const { view } = chunk;
  const low = main >>> 0;
  const high = Math.floor(main / 2 ** 32);
  for (let at = start; at < end; at += rowBytesAt(chunk, at))
    if (
      view.getUint32(at + 8, true) === low &&
      view.getUint32(at + 4, true) === sub &&
      view.getUint32(at + 12, true) === high
    )
      return at;
  return -1;
}

export interface BlockHead {
  /** Of its rows. */
  readonly bodyBytes: number;
  readonly rows: number;
  readonly main: number;
  readonly sub: number;
}

/** Writes the head before rows that stand there already. */
export function writeBlockHead({ bytes, view }: Chunk, at: number, head: BlockHead): void {
  view.setUint32(at + 8, head.bodyBytes, true);
  view.setUint32(at + 12, head.rows, true);
  view.setUint32(at + 16, head.main >>> 0, true);
  view.setUint32(at + 20, Math.floor(head.main / 2 ** 32), true);
  view.setUint32(at + 24, head.sub, true);
  view.setUint32(at + 4, magicOf(bytes, at), true);
  view.setUint32(at, crc32c(0, bytes, at + 4, at + blockHeadBytes + head.bodyBytes), true);
}

const magicOf = (bytes: Uint8Array, at: number): number =>
  summedMagic + (crc32c(0, bytes, at + 8, at + blockHeadBytes) & headSumMask);

/** Undefined where no block can begin. */
export function readBlockHead({ bytes, view }: Chunk, at = 0): BlockHead | undefined {
  if (bytes.length < at + blockHeadBytes) return undefined;
  const magic = view.getUint32(at + 4, true);
  if (magic !== sumlessMagic && magic !== magicOf(bytes, at)) return undefined;
  return {
    bodyBytes: view.getUint32(at + 8, true),
    rows: view.getUint32(at + 12, true),
    main: view.getUint32(at + 20, true) * 2 ** 32 + view.getUint32(at + 16, true),
    sub: view.getUint32(at + 24, true),
  };
}

/** Whether [start, end) is a block as it was written. */
export function isWholeBlock({ bytes, view }: Chunk, start: number, end: number): boolean {
  return (
    end - start > blockHeadBytes &&
    bytes.length >= end &&
    view.getUint32(start, true) === crc32c(0, bytes, start + 4, end)
  );
}

/** Negative, zero or positive as the first revision is before, at or after the second. */
export function compareRevisions(main: number, sub: number, otherMain: number, otherSub: number): number {
  return main === otherMain ? sub - otherSub : main - otherMain;
}
