import { endianness } from "node:os";

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), sixteen bytes a step by table ("slicing by 16"), four at a time where they lie
 *  on a word's border. `node:zlib` has a crc32, but of the other polynomial. */
const polynomial = 0x82f63b78; // reflected
const stepBytes = 16;

/** One table of 256 after the other: the n-th says what a byte does to the checksum n bytes later. */
const tables = buildTables();

function buildTables(): Int32Array {
  const all = new Int32Array(256 * stepBytes);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    all[byte] = crc;
  }
  for (let at = 256; at < all.length; at++) {
    const crc = all[at - 256] as number;
    all[at] = (crc >>> 8) ^ (all[crc & 0xff] as number);
  }
  return all;
}

const isLittleEndian = endianness() === "LE";
/** What was summed last, as words: to make this view costs more than to sum a small record. */
let memory: ArrayBufferLike = new ArrayBuffer(0);
let memoryWords: Int32Array = new Int32Array(memory);
/** Larger memory is not kept hold of. */
const keptBytesMax = 1024 * 1024;

function wordsOf(bytes: Uint8Array): Int32Array {
  const { buffer } = bytes;
  if (buffer === memory) return memoryWords;
  const words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
  if (buffer.byteLength <= keptBytesMax) {
    memory = buffer;
    memoryWords = words;
  }
  return words;
}

/** The checksum of what had checksum `before`, followed by bytes[start, end). 0 is the checksum of nothing. */
export function crc32c(before: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (!isLittleEndian || end - start < 4 * stepBytes) return ~byteByByte(~before, bytes, start, end) >>> 0;
  const { byteOffset } = bytes;
  const aligned = start + (-(byteOffset + start) & 3);
  let crc = byteByByte(~before, bytes, start, aligned);
  const words = wordsOf(bytes);
  const steps = Math.floor((end - aligned) / stepBytes);
  let at = (byteOffset + aligned) >>> 2;
  for (let step = 0; step < steps; step++, at += 4) {
    const a = crc ^ (words[at] as number);
    const b = words[at + 1] as number;
    const c = words[at + 2] as number;
    const d = words[at + 3] as number;
    crc =
      (tables[3840 + (a & 0xff)] as number) ^
      (tables[3584 + ((a >>> 8) & 0xff)] as number) ^
      (tables[3328 + ((a >>> 16) & 0xff)] as number) ^
      (tables[3072 + (a >>> 24)] as number) ^
      (tables[2816 + (b & 0xff)] as number) ^
      (tables[2560 + ((b >>> 8) & 0xff)] as number) ^
      (tables[2304 + ((b >>> 16) & 0xff)] as number) ^
      (tables[2048 + (b >>> 24)] as number) ^
      (tables[1792 + (c & 0xff)] as number) ^
      (tables[1536 + ((c >>> 8) & 0xff)] as number) ^
      (tables[1280 + ((c >>> 16) & 0xff)] as number) ^
      (tables[1024 + (c >>> 24)] as number) ^
      (tables[768 + (d & 0xff)] as number) ^
      (tables[512 + ((d >>> 8) & 0xff)] as number) ^
      (tables[256 + ((d >>> 16) & 0xff)] as number) ^
      (tables[d >>> 24] as number);
  }
  return ~byteByByte(crc, bytes, aligned + steps * stepBytes, end) >>> 0;
}

function byteByByte(before: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = before;
  for (let at = start; at < end; at++)
    crc = (crc >>> 8) ^ (tables[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return crc;
}
