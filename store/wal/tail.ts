import type { FileWindow } from "./file-window.ts";
import { frameHeaderBytes, paddingBytes, readFrameHeader, recordBytesMax, sectorBytes } from "./frame.ts";
import { parseRecord } from "./record.ts";

/** How much after a broken frame is looked at at most; a batch is not larger. */
const lookAheadBytesMax = recordBytesMax;
/** A frame's length, then of a record its type, checksum and the length of its data, each with its tag. */
const headBytesMax = frameHeaderBytes + 2 + 6 + 6;

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
  if (seal?.isFollowed) return "damaged";
  const own = sealOfBatch(rest, tail.chain);
  if (own !== undefined) {
    const lacksSector = hasZeroSector(rest, tail.offset, lastSectorStart(tail.offset, own.at));
    return own.isMended || !lacksSector ? "damaged" : "torn";
  }
  if (seal === undefined) {
    // Sealed segments: what no seal follows was not acknowledged. Others: etcd's rule.
    return tail.hasSeals || hasZeroSector(rest, tail.offset, frameEnd(rest)) ? "torn" : "damaged";
  }
  if (mended(rest, tail.chain) !== undefined) return "damaged";
  return hasZeroSector(rest, tail.offset, lastSectorStart(tail.offset, seal.at)) ? "torn" : "damaged";
}

/** A record that is right, and where the next one begins. */
interface Step {
  readonly chain: number;
  readonly next: number;
}

/** The seal that ends the batch of the broken record at the start, where nothing else of the batch is broken. What a seal looks
 *  like may also stand in the data of a write that was torn; no records lead there. `isMended`: the record lacks but a bit. */
function sealOfBatch(
  rest: Uint8Array,
  chain: number,
): { readonly at: number; readonly isMended: boolean } | undefined {
  const asMended = mended(rest, chain);
  const asItIs = recordAt(rest, 0, undefined); // with the checksum that it states, its data apart
  for (const { step, isMended } of [
    { step: asMended, isMended: true },
    { step: asItIs, isMended: false },
  ]) {
    const at = step && sealBehind(rest, step);
    if (at !== undefined) return { at, isMended };
  }
  return undefined;
}

function sealBehind(rest: Uint8Array, from: Step): number | undefined {
  for (let step: Step | undefined = from; step !== undefined; ) {
    const crc = sealAt(rest, step.next);
    if (crc !== undefined) return crc === step.chain ? step.next : undefined;
    step = recordAt(rest, step.next, step.chain);
  }
  return undefined;
}

/** Finds a CRC record in what follows a broken frame; `isFollowed` when something was written after it. */
function findSeal(rest: Uint8Array, end: number): { at: number; isFollowed: boolean } | undefined {
  let last: { at: number; isFollowed: boolean } | undefined;
  for (let at = 0; at + 16 <= rest.length && at < end; at += 8) {
    const crc = sealAt(rest, at);
    if (crc === undefined) continue;
    let next = at + 16;
    while (sealAt(rest, next) === crc) next += 16; // a batch may end with two
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

const continuesAt = (rest: Uint8Array, at: number, chain: number): boolean =>
  recordAt(rest, at, chain) !== undefined;

/** Undefined where there is none that continues the chain. Without a chain what the record states of it is believed. */
function recordAt(rest: Uint8Array, at: number, chain: number | undefined): Step | undefined {
  if (at + frameHeaderBytes > rest.length) return undefined;
  const header = readFrameHeader(rest, at);
  if (header.kind !== "frame" || at + header.frameBytes > rest.length) return undefined;
  const from = at + frameHeaderBytes;
  const parsed = parseRecord(rest.subarray(from, from + header.recordBytes), chain);
  return parsed.kind === "record" ? { chain: parsed.crc, next: at + header.frameBytes } : undefined;
}

/** The record at the start, if it is right but for one bit before its data. */
function mended(rest: Uint8Array, chain: number): Step | undefined {
  for (let bit = 0; bit < 8 * Math.min(rest.length, headBytesMax); bit++) {
    flip(rest, bit);
    const step = recordAt(rest, 0, chain);
    flip(rest, bit);
    if (step !== undefined) return step;
  }
  return undefined;
}

function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
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
