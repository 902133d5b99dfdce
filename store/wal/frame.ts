/** Frames of the log: an 8-byte length field, the record, zeros up to a multiple of 8. */
export const frameHeaderBytes = 8;
/** What a disk writes whole or not at all. */
export const sectorBytes = 512;
/** No record is larger: two of etcd's largest requests and then some. Bounds what a damaged length can make us read. */
export const recordBytesMax = 256 * 1024 * 1024;

export function paddingBytes(recordBytes: number): number {
  return (8 - (recordBytes % 8)) % 8;
}

/** Writes the length field at `at`. */
export function writeFrameHeader(buffer: Buffer, at: number, recordBytes: number): void {
  buffer.writeUInt32LE(recordBytes, at);
  const padding = paddingBytes(recordBytes);
  buffer.writeUInt32LE(padding === 0 ? 0 : (0x80 | padding) * 2 ** 24, at + 4);
}

export type FrameHeader =
  | { readonly kind: "frame"; readonly recordBytes: number; readonly frameBytes: number }
  | { readonly kind: "zero" }
  | { readonly kind: "bad"; readonly problem: string };

/** Reads the length field at `at`. */
export function readFrameHeader(bytes: Uint8Array, at = 0): FrameHeader {
  const low = wordAt(bytes, at);
  const high = wordAt(bytes, at + 4);
  if (low === 0 && high === 0) return { kind: "zero" };
  const recordBytes = low + (high & 0x00ffffff) * 2 ** 32;
  const top = high >>> 24;
  const padding = paddingBytes(recordBytes);
  if (top !== (padding === 0 ? 0 : 0x80 | padding)) {
    return { kind: "bad", problem: "the record's length and its padding contradict each other" };
  }
  if (recordBytes === 0 || recordBytes > recordBytesMax) {
    return { kind: "bad", problem: `a record of ${recordBytes} bytes is impossible` };
  }
  return { kind: "frame", recordBytes, frameBytes: frameHeaderBytes + recordBytes + padding };
}

function wordAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
  return ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | high) >>> 0;
}
