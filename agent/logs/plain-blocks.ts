import { readSync } from "node:fs";
import { type Block, blockBytes, blockBytesMost, lineBytesMost } from "./blocks.ts";
import type { RecordFormat } from "./record.ts";

const newline = 10;
const probeBytes = 2 * 1024;

/** The blocks of a file of lines: a time is read at every 64 KiB, nothing in between. So a file needs no index while it is
 *  written, and none can be torn or stale.
 *  @param lastUs Of the last line where it has no time that is understood. */
export function plainBlocks(fd: number, sizeBytes: number, format: RecordFormat, lastUs: number): Block[] {
  const starts: { offset: number; timeUs: number }[] = [];
  if (sizeBytes === 0) return [];
  const first = probe(fd, { from: 0, sizeBytes, format, isStart: true });
  starts.push({ offset: 0, timeUs: first?.timeUs ?? Number.NaN });
  for (let at = blockBytes; at < sizeBytes; ) {
    const next = probe(fd, { from: at, sizeBytes, format, isStart: false });
    if (next === undefined) at += lineBytesMost;
    else {
      starts.push(next);
      at = next.offset + blockBytes;
    }
  }
  const endUs = lastTimeUs(fd, sizeBytes, format);
  return starts.map(({ offset, timeUs }, index) => {
    const next = starts[index + 1] ?? { offset: sizeBytes, timeUs: Number.isNaN(endUs) ? lastUs : endUs };
    return { offset, diskBytes: next.offset - offset, fromUs: timeUs, toUs: next.timeUs };
  });
}

/** A line's rest beyond what a block may have is left out. */
export function readPlain(fd: number, { offset, diskBytes }: Block): Buffer {
  if (diskBytes <= blockBytesMost) return readAt(fd, offset, diskBytes);
  const buffer = readAt(fd, offset, blockBytesMost);
  buffer[buffer.length - 1] = newline;
  return buffer;
}

export function readAt(fd: number, offset: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  let read = 0;
  while (read < bytes) {
    const more = readSync(fd, buffer, read, bytes - read, offset + read);
    if (more === 0) break; // it was cut off meanwhile
    read += more;
  }
  return read === bytes ? buffer : buffer.subarray(0, read);
}

interface Probe {
  readonly from: number;
  readonly sizeBytes: number;
  readonly format: RecordFormat;
  /** A line begins here. */
  readonly isStart: boolean;
}

/** The next line that has a time and is not the rest of the one before. */
function probe(
  fd: number,
  { from, sizeBytes, format, isStart }: Probe,
): { readonly offset: number; readonly timeUs: number } | undefined {
  for (let bytes = probeBytes; ; bytes *= 8) {
    const isAll = from + bytes >= sizeBytes || bytes >= lineBytesMost;
    const buffer = readAt(fd, from, Math.min(bytes, sizeBytes - from));
    let begin = isStart ? 0 : buffer.indexOf(newline) + 1;
    let isWhole = isStart;
    while (isStart ? begin < buffer.length : begin > 0) {
      const end = buffer.indexOf(newline, begin);
      if (end < 0) break;
      const timeUs = format.timeUs(buffer, begin, end);
      if (isWhole && !Number.isNaN(timeUs)) return { offset: from + begin, timeUs };
      isWhole = !format.isPartial(buffer, begin);
      begin = end + 1;
    }
    if (isAll) return undefined;
  }
}

function lastTimeUs(fd: number, sizeBytes: number, format: RecordFormat): number {
  for (let bytes = probeBytes; ; bytes *= 8) {
    const from = Math.max(0, sizeBytes - bytes);
    const buffer = readAt(fd, from, sizeBytes - from);
    let end = buffer.lastIndexOf(newline);
    while (end > 0) {
      const begin = buffer.lastIndexOf(newline, end - 1) + 1;
      if (begin === 0 && from > 0) break;
      const timeUs = format.timeUs(buffer, begin, end);
      if (!Number.isNaN(timeUs)) return timeUs;
      end = begin - 1;
    }
    if (from === 0 || bytes >= lineBytesMost) return Number.NaN;
  }
}
