import { dirname } from "node:path";
import type { Disk } from "../../base/os/disk.ts";
import { type Block, type BlockSizes, BlockWriter, sealedBytes } from "./block-writer.ts";
import { ioFailure } from "./failure.ts";
import { blockHeadBytes } from "./row-format.ts";
import type { Segment } from "./segment.ts";
import { type SegmentView, walkRows } from "./walk.ts";

export interface RewriteParts {
  readonly disk: Disk;
  readonly pause: () => Promise<void>;
  readonly sizes: BlockSizes;
  readonly isStopped: () => boolean;
  readonly syncs: boolean;
}

/** At least half of what is in its file is of no use. */
export function isMostlyDead({ dead, endBytes }: Segment): boolean {
  return dead !== undefined && dead.bytes * 2 >= endBytes;
}

/** Neighbours that become one segment each: the wanted ones, and small ones beside them. */
export function runsToRewrite(
  segments: readonly Segment[],
  isWanted: (segment: Segment) => boolean,
  segmentBytes: number,
): readonly (readonly Segment[])[] {
  const runs: Segment[][] = [];
  let run: Segment[] = [];
  let liveBytes = 0;
  const end = () => {
    if (run.some(isWanted)) runs.push(run);
    run = [];
    liveBytes = 0;
  };
  for (const segment of segments) {
    if (!isWanted(segment) && segment.liveBytes > segmentBytes / 4) {
      end();
      continue;
    }
    if (run.length > 0 && liveBytes + segment.liveBytes > segmentBytes) end();
    run.push(segment);
    liveBytes += segment.liveBytes;
  }
  end();
  return runs;
}

const pageRows = 500;
const writeBytesMin = 1024 * 1024;

/** Copies what lives to a new segment and makes that durable. Answers false when it was stopped, and rejects with BackendError;
 *  then the file is gone again. */
export async function rewriteSegments(
  views: readonly SegmentView[],
  fresh: Segment,
  parts: RewriteParts,
): Promise<boolean> {
  const { disk, pause, sizes, isStopped, syncs } = parts;
  const writer = new BlockWriter(sizes);
  let blocks: Block[] = [];
  let waitingBytes = 0;
  const write = async () => {
    if (blocks.length === 0) return;
    await fresh.create(disk);
    await appendBlocks(fresh, blocks);
    writer.seal();
    blocks = [];
    waitingBytes = 0;
  };
  try {
    for await (const page of walkRows(views, { from: { main: 0, sub: 0 }, to: undefined }, pageRows, pause)) {
      for (const row of page) {
        const block = writer.append(row);
        if (block !== blocks.at(-1)) blocks.push(block);
        waitingBytes += row.value.length;
      }
      if (isStopped()) return await abandon(fresh, disk);
      if (waitingBytes >= writeBytesMin) await write();
    }
    await write();
    if (fresh.rows > 0) {
      if (syncs) await fresh.file.sync();
      await disk.syncFolder(dirname(fresh.path));
    }
    return true;
  } catch (error) {
    await abandon(fresh, disk);
    throw ioFailure(error, fresh.path, "rewriting");
  }
}

async function appendBlocks(fresh: Segment, blocks: readonly Block[]): Promise<void> {
  const offset = fresh.endBytes;
  await fresh.file.write(offset, sealedBytes(blocks));
  for (const { main, sub, rows, bytes } of blocks)
    fresh.addFromFile({ main, sub, rows, bodyBytes: bytes - blockHeadBytes });
}

async function abandon(fresh: Segment, disk: Disk): Promise<false> {
  await fresh.release();
  await disk.remove(fresh.path);
  return false;
}
