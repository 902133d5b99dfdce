import { crc32c } from "../../base/crc32c.ts";
import type { Disk, DiskFile } from "../../base/os/disk.ts";
import type { Write } from "../backend/backend.ts";
import { Chunk } from "./row-format.ts";

/** A checkpoint of what is made of the revisions: a file of pages, so that a member that starts need not read all of them. It
 *  counts once the row of its mark is in the database; a file that none names goes when the log is opened. */
export const checkpointKey = "\0i";

export interface CheckpointMark {
  /** Of the file. */
  readonly number: number;
  /** It tells of all revisions up to this one, and of some behind it. */
  readonly revision: number;
  /** Up to where compactions had done all they do when it was made; -1 where none ever ran. */
  readonly compactRevision: number;
  readonly keys: number;
  readonly endBytes: number;
}

export type CheckpointOf = Omit<CheckpointMark, "number" | "endBytes">;

/** `undefined` in place of a page: there will be no more, and those that came are not all. */
export type CheckpointPages = AsyncIterable<Uint8Array | undefined>;

export function checkpointRow({ number, revision, compactRevision, keys, endBytes }: CheckpointMark): Write {
  const value = Buffer.allocUnsafeSlow(markBytes);
  for (const [at, field] of [format, number, revision, compactRevision, keys, endBytes].entries())
    value.writeDoubleBE(field, at * 8);
  return [checkpointKey, value];
}

/** Undefined where another version wrote it. */
export function parseCheckpointRow(value: Uint8Array): CheckpointMark | undefined {
  const row = Buffer.from(value);
  if (row.length !== markBytes || row.readDoubleBE(0) !== format) return undefined;
  return {
    number: row.readDoubleBE(8),
    revision: row.readDoubleBE(16),
    compactRevision: row.readDoubleBE(24),
    keys: row.readDoubleBE(32),
    endBytes: row.readDoubleBE(40),
  };
}

export function checkpointFileName(number: number): string {
  return `${String(number).padStart(10, "0")}.idx`;
}

/** A checkpoint cannot be used; whatever it tells of stands in the revisions, too. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** Of the pages. */
const format = 1;
const markBytes = 48;
/** Before each page: checksum of what follows it (4 bytes), bytes of the page (4). */
const pageHeadBytes = 8;
const readBytes = 1024 * 1024;

/** Writes the pages and makes them durable; answers the bytes of the file. Undefined where it was stopped or they broke off. */
export async function writePages(
  file: DiskFile,
  pages: CheckpointPages,
  isStopped: () => boolean,
): Promise<number | undefined> {
  let endBytes = 0;
  for await (const page of pages) {
    if (page === undefined || isStopped()) return undefined;
    const framed = new Chunk(new Uint8Array(pageHeadBytes + page.length));
    framed.bytes.set(page, pageHeadBytes);
    framed.view.setUint32(4, page.length, true);
    framed.view.setUint32(0, crc32c(0, framed.bytes, 4), true);
    await file.write(endBytes, [framed.bytes]);
    endBytes += framed.bytes.length;
  }
  await file.sync();
  return endBytes;
}

/** Shows each page to `take`, as bytes [start, end). Throws CheckpointError, or what the system said. */
export async function readPages(
  disk: Disk,
  path: string,
  endBytes: number,
  take: (bytes: Uint8Array, start: number, end: number) => void,
): Promise<void> {
  const file = await disk.open(path);
  try {
    let wantedBytes = readBytes;
    for (let offset = 0; offset < endBytes; ) {
      const chunk = new Chunk(await file.read(offset, Math.min(wantedBytes, endBytes - offset)));
      const { bytes, nextBytes } = takePages(chunk, take);
      if (bytes === 0 && chunk.bytes.length < wantedBytes)
        throw new CheckpointError(`it ends within the page at ${offset}`);
      offset += bytes;
      wantedBytes = Math.max(readBytes, nextBytes);
    }
  } finally {
    await file.close();
  }
}

/** Answers how many bytes were pages, and how many the next one has, of which not all are here. */
function takePages(
  { bytes, view }: Chunk,
  take: (bytes: Uint8Array, start: number, end: number) => void,
): { readonly bytes: number; readonly nextBytes: number } {
  for (let at = 0; ; ) {
    if (at + pageHeadBytes > bytes.length) return { bytes: at, nextBytes: pageHeadBytes };
    const end = at + pageHeadBytes + view.getUint32(at + 4, true);
    if (end > bytes.length) return { bytes: at, nextBytes: end - at };
    if (crc32c(0, bytes, at + 4, end) !== view.getUint32(at, true))
      throw new CheckpointError("a page is not what was written");
    take(bytes, at + pageHeadBytes, end);
    at = end;
  }
}
