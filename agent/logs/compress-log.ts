import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { blockBytes, lineBytesMost } from "./blocks.ts";
import { gzipMember } from "./gzip-blocks.ts";
import { compressedName } from "./log-names.ts";
import { type RecordFormat, recordFormats } from "./record.ts";

const newline = 10;

/** Compresses a container's log that nobody writes to any more, in place of the file. It appears whole or not at all. Resolves
 *  with its new path; undefined: it is no such log. */
export async function compressLog(path: string): Promise<string | undefined> {
  const from = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { atime, mtime, mtimeMs, ino } = await from.stat();
    const name = compressedName({ path, modifiedMs: mtimeMs, ino });
    if (name === undefined) return undefined;
    const target = join(dirname(path), name);
    const to = await open(`${target}.new`, "w", 0o600);
    try {
      for await (const lines of blocksOf(from, recordFormats.cri)) {
        await to.write(await gzipMember(lines, spanOf(lines, recordFormats.cri)));
      }
      await to.utimes(atime, mtime);
      await to.sync();
    } finally {
      await to.close();
    }
    await rename(`${target}.new`, target);
    await rm(path, { force: true });
    return target;
  } finally {
    await from.close();
  }
}

/** Blocks end after a whole line, which may be of several records. */
async function* blocksOf(file: FileHandle, format: RecordFormat): AsyncGenerator<Buffer, void, void> {
  const most = blockBytes + lineBytesMost;
  let held = Buffer.alloc(0);
  for (let at = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(blockBytes), 0, blockBytes, at);
    at += bytesRead;
    held = Buffer.concat([held, buffer.subarray(0, bytesRead)]);
    const isOver = bytesRead === 0;
    const end = isOver || held.length >= most ? held.length : wholeLines(held, format);
    if (end > 0) yield held.subarray(0, end);
    if (isOver) return;
    held = held.subarray(end);
  }
}

/** Up to where a block may end; 0: nowhere yet. */
function wholeLines(held: Buffer, format: RecordFormat): number {
  for (let end = held.lastIndexOf(newline); end >= 0; ) {
    const begin = end === 0 ? 0 : held.lastIndexOf(newline, end - 1) + 1;
    if (!format.isPartial(held, begin)) return end + 1;
    end = begin - 1;
  }
  return 0;
}

/** The least and the most of its times. */
function spanOf(lines: Buffer, format: RecordFormat): { readonly fromUs: number; readonly toUs: number } {
  let fromUs = Number.POSITIVE_INFINITY;
  let toUs = Number.NEGATIVE_INFINITY;
  for (let begin = 0; begin < lines.length; ) {
    const found = lines.indexOf(newline, begin);
    const end = found < 0 ? lines.length : found;
    const timeUs = format.timeUs(lines, begin, end);
    if (timeUs < fromUs) fromUs = timeUs;
    if (timeUs > toUs) toUs = timeUs;
    begin = end + 1;
  }
  return { fromUs, toUs };
}
