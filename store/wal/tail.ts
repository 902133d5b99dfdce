import type { FileWindow } from "./file-window.ts";
import { frameHeaderBytes, paddingBytes, readFrameHeader, recordBytesMax } from "./frame.ts";
import { parseRecord } from "./record.ts";

const sectorBytes = 512;
/** How much after a broken frame is looked at at most; a batch is not larger. */
const lookAheadBytesMax = recordBytesMax;

export type TailVerdict = "clean" | "torn" | "damaged";

export interface Tail {
  /** Where the last good record ends. */
  readonly offset: number;
  /** The chain's checksum there. */
  readonly chain: number;
  readonly hasSeals: boolean;
}

/** What the bytes after the last good record of the last segment are: nothing, the rest of a write that was never
 *  acknowledged, or damage to something that was (see README.md). */
export async function judgeTail(window: FileWindow, tail: Tail): Promise<TailVerdict> {
  const end = window.endOfData(tail.offset);
  if (end === tail.offset) return "clean";
  const toRead = Math.min(lookAheadBytesMax, window.sizeBytes - tail.offset, end - tail.offset + sectorBytes);
  const rest = await window.read(tail.offset, toRead);
  const seal = findSeal(rest, end - tail.offset);
  if (seal === undefined) {
    // Sealed segments: what no seal follows was not acknowledged. Others: etcd's rule.
    return tail.hasSeals || hasZeroSector(rest, tail.offset, frameEnd(rest)) ? "torn" : "damaged";
  }
  if (seal.isFollowed) return "damaged";
  if (isMendedByOneBit(rest, tail.chain)) return "damaged";
  return hasZeroSector(rest, tail.offset, lastSectorStart(tail.offset, seal.at)) ? "torn" : "damaged";
}

/** Finds a CRC record in what follows a broken frame; `isFollowed` when something was written after it. */
function findSeal(rest: Uint8Array, end: number): { at: number; isFollowed: boolean } | undefined {
  let last: { at: number; isFollowed: boolean } | undefined;
  for (let at = 0; at + 16 <= rest.length && at < end; at += 8) {
    const crc = sealAt(rest, at);
    if (crc === undefined) continue;
    const next = at + 16;
    if (next >= end) return { at, isFollowed: last !== undefined };
    // Anything could look like a seal; a record that continues its chain proves that it is one.
    if (continuesAt(rest, next, crc)) last = { at, isFollowed: true };
  }
  return last;
}

/** The checksum stated by a CRC record whose frame starts at `at`, if one does. Its frame is always 16 bytes. */
function sealAt(rest: Uint8Array, at: number): number | undefined {
  const header = readFrameHeader(rest.subarray(at, at + frameHeaderBytes));
  if (header.kind !== "frame" || header.frameBytes !== 16) return undefined;
  const body = rest.subarray(at + frameHeaderBytes, at + frameHeaderBytes + header.recordBytes);
  if (body[0] !== 0x08 || body[1] !== 4 || body[2] !== 0x10) return undefined;
  const parsed = parseRecord(body, 0);
  return parsed.kind === "record" && parsed.type === "CRC" ? parsed.crc : undefined;
}

function continuesAt(rest: Uint8Array, at: number, chain: number): boolean {
  if (at + frameHeaderBytes > rest.length) return false;
  const header = readFrameHeader(rest.subarray(at, at + frameHeaderBytes));
  if (header.kind !== "frame" || at + header.frameBytes > rest.length) return false;
  const from = at + frameHeaderBytes;
  return parseRecord(rest.subarray(from, from + header.recordBytes), chain).kind === "record";
}

/** Whether the broken frame at the start is whole but for one bit of its length field. */
function isMendedByOneBit(rest: Uint8Array, chain: number): boolean {
  for (let bit = 0; bit < 64; bit++) {
    const header = rest.slice(0, frameHeaderBytes);
    header[bit >> 3] = (header[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const read = readFrameHeader(header);
    if (read.kind !== "frame" || read.frameBytes > rest.length) continue;
    const body = rest.subarray(frameHeaderBytes, frameHeaderBytes + read.recordBytes);
    if (parseRecord(body, chain).kind === "record") return true;
  }
  return false;
}

/** The end of the broken frame as its header claims, within what there is. */
function frameEnd(rest: Uint8Array): number {
  if (rest.length < frameHeaderBytes) return rest.length;
  const view = new DataView(rest.buffer, rest.byteOffset, frameHeaderBytes);
  const claimed = view.getUint32(0, true);
  return Math.min(rest.length, frameHeaderBytes + claimed + paddingBytes(claimed));
}

/** The seal's own sector reached the disk, so only whole sectors before it can be missing. */
function lastSectorStart(offset: number, sealAt: number): number {
  const sector = Math.floor((offset + sealAt) / sectorBytes) * sectorBytes;
  return Math.max(0, sector - offset);
}

/** Whether any sector's share of bytes[0, end) is all zero; `offset` is where the bytes lie in the file. */
function hasZeroSector(bytes: Uint8Array, offset: number, end: number): boolean {
  for (let at = 0; at < end; ) {
    const next = Math.min(end, at + sectorBytes - ((offset + at) % sectorBytes));
    if (bytes.subarray(at, next).every((byte) => byte === 0)) return true;
    at = next;
  }
  return false;
}
