import { join } from "node:path";
import type { Write } from "../backend/backend.ts";
import { type CheckpointMark, checkpointFileName } from "./checkpoint.ts";
import { DeadRows } from "./dead-rows.ts";
import { damagedLog, ioFailure } from "./failure.ts";
import type { RevisionLogParts } from "./log-config.ts";
import { markedEnd, parseMarkKey, segmentFileName } from "./marks.ts";
import {
  blockHeadBytes,
  Chunk,
  compareRevisions,
  isWholeBlock,
  readBlockHead,
  readRow,
  rowBytesAt,
} from "./row-format.ts";
import { Segment } from "./segment.ts";

export interface OpenedSegments {
  /** In the order of revisions, none of them empty. */
  readonly segments: readonly Segment[];
  readonly nextNumber: number;
  /** The newest row. */
  readonly last: { readonly main: number; readonly sub: number };
  readonly checkpoint: CheckpointMark | undefined;
}

/** Heads read in one synchronous slice. */
const sliceHeads = 500;

/** Opens the files that the marks name, cuts off what stands behind the marks, and removes all other files: what an
 *  unfinished write or rewrite left. Block heads are checked here, rows when they are walked. Rejects with BackendError. */
export async function openSegments(
  parts: RevisionLogParts,
  marks: readonly Write[],
  checkpoint?: CheckpointMark,
): Promise<OpenedSegments> {
  const { folder, disk } = parts;
  const segments = new Map<number, Segment>();
  try {
    await disk.makeFolder(folder);
    for (const [key, value] of marks) {
      const { kind, segment: number } = parseMarkKey(key);
      if (kind === "dead" || value === undefined) continue;
      segments.set(number, await openSegment(parts, number, markedEnd(value)));
    }
    for (const [key, value] of marks) {
      const { kind, segment: number } = parseMarkKey(key);
      const segment = segments.get(number);
      if (kind === "dead" && value !== undefined && segment !== undefined)
        segment.dead = DeadRows.decode(value);
    }
    const numbers = [...segments.keys()];
    const known = new Set(numbers.map(segmentFileName));
    const names = await disk.list(folder);
    // An earlier version, to which the file says nothing, removes it.
    const kept = checkpoint && names.includes(checkpointFileName(checkpoint.number)) ? checkpoint : undefined;
    if (kept !== undefined) known.add(checkpointFileName(kept.number));
    for (const name of names) if (!known.has(name)) await disk.remove(join(folder, name));
    const ordered = inOrder([...segments.values()]);
    return {
      segments: ordered,
      nextNumber: Math.max(checkpoint?.number ?? 0, ...numbers) + 1,
      last: await lastRow(ordered.at(-1)),
      checkpoint: kept,
    };
  } catch (error) {
    for (const segment of segments.values()) await segment.release();
    throw ioFailure(error, folder, "opening");
  }
}

async function openSegment(parts: RevisionLogParts, number: number, endBytes: number): Promise<Segment> {
  const { folder, disk, faults } = parts;
  const segment = new Segment(number, join(folder, segmentFileName(number)));
  if (!(await disk.exists(segment.path)))
    throw damagedLog(segment.path, "the database names this file, which is missing");
  const file = await disk.open(segment.path);
  segment.file = file;
  try {
    const sizeBytes = await file.sizeBytes();
    if (sizeBytes < endBytes)
      throw damagedLog(segment.path, `it holds ${sizeBytes} bytes of the ${endBytes} that were made durable`);
    await readHeads(segment, endBytes, parts);
    segment.opened();
    if (faults?.keepTail) await readTail(segment, sizeBytes);
    if (segment.endBytes < sizeBytes) await file.truncate(segment.endBytes);
    return segment;
  } catch (error) {
    await segment.release();
    throw error;
  }
}

async function readHeads(segment: Segment, endBytes: number, { pause }: RevisionLogParts): Promise<void> {
  const chunk = new Chunk(new Uint8Array(blockHeadBytes));
  for (let heads = 1; segment.endBytes < endBytes; heads++) {
    const at = segment.endBytes;
    const headBytes = segment.file.readNow(at, chunk.bytes);
    const head = headBytes < blockHeadBytes ? undefined : readBlockHead(chunk);
    const isNext =
      head !== undefined &&
      head.rows > 0 &&
      at + blockHeadBytes + head.bodyBytes <= endBytes &&
      (segment.table.count === 0 || segment.table.compare(segment.table.count - 1, head.main, head.sub) < 0);
    if (!isNext) throw damagedLog(segment.path, `no block begins at ${at}`);
    segment.addFromFile(head);
    if (heads % sliceHeads === 0) await pause();
  }
}

/** A planted bug: rows that no mark stands for. */
async function readTail(segment: Segment, sizeBytes: number): Promise<void> {
  const chunk = new Chunk(await segment.file.read(0, sizeBytes));
  for (;;) {
    const at = segment.endBytes;
    const head = readBlockHead(chunk, at);
    if (head === undefined || !isWholeBlock(chunk, at, at + blockHeadBytes + head.bodyBytes)) return;
    segment.addFromFile(head);
  }
}

async function lastRow(segment: Segment | undefined): Promise<OpenedSegments["last"]> {
  if (segment === undefined) return { main: -1, sub: 0 };
  const { count } = segment.table;
  const [body] = await segment.load(count - 1, count);
  let last = -1;
  if (body !== undefined)
    for (let at = body.start; at < body.end; at += rowBytesAt(body.chunk, at)) last = at;
  if (body === undefined || last < 0) throw damagedLog(segment.path, "its last block is empty");
  return readRow(body.chunk, last);
}

function inOrder(segments: readonly Segment[]): readonly Segment[] {
  return segments
    .filter(({ table }) => table.count > 0)
    .sort((a, b) => compareRevisions(a.table.main(0), a.table.sub(0), b.table.main(0), b.table.sub(0)));
}
