import { join } from "node:path";
import type { Disk } from "../../base/os/disk.ts";
import {
  confState as confStateCodec,
  entry as entryCodec,
  hardState as hardStateCodec,
} from "../../proto/raft.ts";
import { walMetadata, walSnapshot } from "../../proto/wal.ts";
import type { Entry, HardState, SnapshotMeta } from "../raft/types.ts";
import { WalDamageError } from "./damage.ts";
import { FileWindow } from "./file-window.ts";
import { LogReplay } from "./log-replay.ts";
import { parseSegmentName, type SegmentName } from "./segment-name.ts";
import { type Scanned, SegmentScan } from "./segment-scan.ts";
import { judgeTail } from "./tail.ts";

export interface WalMetadata {
  readonly nodeId: bigint;
  readonly clusterId: bigint;
}

/** Everything that the log holds from its newest mark on. */
export interface Recovered {
  readonly metadata: WalMetadata;
  readonly hardState: HardState;
  /** The newest mark at or below the commit index; index 0 in a young log. Its `conf` is empty where a log written by
   *  etcd before 3.5 does not say. */
  readonly snapshot: SnapshotMeta;
  /** All after the mark, without gap. */
  readonly entries: readonly Entry[];
}

/** Where writing goes on. */
export interface WritePosition {
  readonly segments: readonly SegmentName[];
  readonly offset: number;
  readonly crc: number;
  /** Whether bytes after `offset` are remains of an interrupted write. */
  readonly torn: boolean;
  readonly lastIndex: number;
}

/** Reads all segments in `folder`. Changes nothing. Throws WalDamageError. */
export async function recover(
  disk: Disk,
  folder: string,
): Promise<Recovered & { readonly at: WritePosition }> {
  const segments = await listSegments(disk, folder);
  const replay = new LogReplay();
  let metadata: WalMetadata | undefined;
  let chain: number | undefined;
  let at = { offset: 0, torn: false };
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1;
    const path = join(folder, segment.name);
    const file = await disk.open(path);
    try {
      const window = await FileWindow.open(file);
      const scan = new SegmentScan(window, chain);
      const take = (record: Scanned & { kind: "record" }) => {
        if (record.type === "METADATA") metadata = sameMetadata(metadata, record.data, path, record.offset);
        else takeRecord(replay, record, path);
      };
      at = await scanSegment(window, scan, { isLast, take });
      chain = scan.chain;
    } finally {
      await file.close();
    }
  }
  const lastPath = join(folder, segments.at(-1)?.name ?? "");
  if (metadata === undefined) throw new WalDamageError(lastPath, 0, "no record says whose log this is");
  const result = replay.result();
  if (typeof result === "string") throw new WalDamageError(lastPath, at.offset, result);
  return { metadata, ...result, at: { segments, ...at, crc: chain ?? 0, lastIndex: replay.lastIndex } };
}

async function scanSegment(
  window: FileWindow,
  scan: SegmentScan,
  options: { readonly isLast: boolean; readonly take: (record: Scanned & { kind: "record" }) => void },
): Promise<{ offset: number; torn: boolean }> {
  for (;;) {
    const scanned = await scan.next();
    if (scanned.kind === "record") {
      options.take(scanned);
      continue;
    }
    const { offset } = scanned;
    const problem = scanned.kind === "bad" ? scanned.problem : "bytes follow where the log should end";
    if (!options.isLast) {
      if (scanned.kind === "end" && (await window.endOfData(offset)) === offset)
        return { offset, torn: false };
      throw new WalDamageError(window.path, offset, problem);
    }
    const verdict = await judgeTail(window, { offset, chain: scan.chain, hasSeals: scan.hasSeals });
    if (verdict === "damaged") throw new WalDamageError(window.path, offset, problem);
    return { offset, torn: verdict === "torn" };
  }
}

async function listSegments(disk: Disk, folder: string): Promise<readonly SegmentName[]> {
  const segments = (await disk.list(folder)).map(parseSegmentName).filter((name) => name !== undefined);
  segments.sort((a, b) => a.sequence - b.sequence);
  if (segments.length === 0) throw new WalDamageError(folder, 0, "the folder holds no segment");
  for (const [i, segment] of segments.entries()) {
    const expected = (segments[0]?.sequence ?? 0) + i;
    if (segment.sequence !== expected) {
      throw new WalDamageError(
        join(folder, segment.name),
        0,
        `the segment with number ${expected} is missing`,
      );
    }
  }
  return segments;
}

function takeRecord(replay: LogReplay, record: Scanned & { kind: "record" }, path: string): void {
  const problem = replayRecord(replay, record);
  if (problem !== undefined) throw new WalDamageError(path, record.offset, problem);
}

function replayRecord(replay: LogReplay, { type, data }: Scanned & { kind: "record" }): string | undefined {
  switch (type) {
    case "ENTRY": {
      const { type: kind, term, index, data: payload } = entryCodec.decode(data);
      if (kind === "CONF_CHANGE_V2") return "a joint configuration change, which this version does not know";
      // A copy, so that one entry does not keep the whole block it was read with.
      const bytes = Uint8Array.from(payload ?? []);
      return replay.entry({ term, index, type: kind === "NORMAL" ? "normal" : "confChange", data: bytes });
    }
    case "STATE":
      replay.hardState(hardStateCodec.decode(data));
      return undefined;
    case "SNAPSHOT": {
      const { index, term, confState } = walSnapshot.decode(data);
      const { voters, learners } = confState ?? confStateCodec.decode(new Uint8Array(0));
      replay.mark({ index, term, conf: { voters, learners } });
      return undefined;
    }
    default:
      return undefined;
  }
}

function sameMetadata(
  known: WalMetadata | undefined,
  data: Uint8Array,
  path: string,
  offset: number,
): WalMetadata {
  const { nodeId, clusterId } = walMetadata.decode(data);
  if (known !== undefined && (known.nodeId !== nodeId || known.clusterId !== clusterId)) {
    throw new WalDamageError(path, offset, "the segment belongs to another member or cluster");
  }
  return { nodeId, clusterId };
}
