import { join } from "node:path";
import type { Disk } from "../../base/os/disk.ts";
import { readEntry } from "../../proto/entry-bytes.ts";
import { entry as entryCodec, hardState as hardStateCodec, sparseEntry } from "../../proto/raft.ts";
import { sparseWalSnapshot, walMetadata, walSnapshot } from "../../proto/wal.ts";
import type { Entry, HardState, SnapshotMeta } from "../raft/types.ts";
import { WalDamageError } from "./damage.ts";
import { decodeExactly } from "./exact.ts";
import { FileWindow } from "./file-window.ts";
import { LogReplay } from "./log-replay.ts";
import { parseSegmentName, type SegmentName } from "./segment-name.ts";
import { type Scanned, SegmentScan, type WalFaults } from "./segment-scan.ts";
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
  faults?: WalFaults,
): Promise<Recovered & { readonly at: WritePosition }> {
  const segments = await listSegments(disk, folder);
  const reader = new RecordReader();
  let chain: number | undefined;
  let at = { offset: 0, torn: false };
  for (const [i, segment] of segments.entries()) {
    const path = join(folder, segment.name);
    const file = await disk.open(path);
    try {
      const window = await FileWindow.open(file);
      const scan = new SegmentScan(window, chain, faults);
      const isLast = i === segments.length - 1;
      at = await scanSegment(window, scan, {
        isLast,
        take: (record, place) => reader.take(record, place, path),
      });
      chain = scan.chain;
    } finally {
      await file.close();
    }
  }
  const lastPath = join(folder, segments.at(-1)?.name ?? "");
  const { metadata, replay } = reader;
  if (metadata === undefined) throw new WalDamageError(lastPath, 0, "no record says whose log this is");
  const result = replay.result();
  if (typeof result === "string") throw new WalDamageError(lastPath, at.offset, result);
  return { metadata, ...result, at: { segments, ...at, crc: chain ?? 0, lastIndex: replay.lastIndex } };
}

type Record = Scanned & { readonly kind: "record" };

async function scanSegment(
  window: FileWindow,
  scan: SegmentScan,
  options: { readonly isLast: boolean; readonly take: (record: Record, place: number) => void },
): Promise<{ offset: number; torn: boolean }> {
  for (let place = 0; ; ) {
    const scanned = scan.next();
    if (scanned.kind === "record") {
      options.take(scanned, place++);
      continue;
    }
    const { offset } = scanned;
    if (scanned.kind === "beyond") {
      await window.move(offset, scanned.lengthBytes);
      continue;
    }
    const problem = scanned.kind === "bad" ? scanned.problem : "bytes follow where the log should end";
    if (!options.isLast) {
      if (scanned.kind === "end" && window.endOfData(offset) === offset) return { offset, torn: false };
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

const noBytes = new Uint8Array(0);

/** Takes in the records of one log, and checks what their checksums cannot. Entries are views of what was read: those that stay
 *  lie beside each other there. */
class RecordReader {
  readonly replay = new LogReplay();
  metadata: WalMetadata | undefined;

  /** `place` is its number within the segment. */
  take(record: Record, place: number, path: string): void {
    const problem = this.#read(record, place);
    if (problem !== undefined) throw new WalDamageError(path, record.offset, problem);
  }

  #read({ type, data }: Record, place: number): string | undefined {
    // A type is not covered by a checksum, but each record has its place.
    const expected = place === 0 ? "CRC" : place === 1 ? "METADATA" : undefined;
    if (expected !== undefined && type !== expected)
      return `record ${place} of a segment must be of type ${expected}`;
    switch (type) {
      case "CRC":
        return undefined;
      case "METADATA":
        return this.#metadata(data);
      case "ENTRY":
        return this.#entry(data);
      case "STATE": {
        const decoded = decodeExactly(hardStateCodec, data);
        if ("problem" in decoded) return `a hard state cannot be decoded: ${decoded.problem}`;
        return this.replay.hardState(decoded.value);
      }
      case "SNAPSHOT": {
        const decoded = decodeExactly(walSnapshot, data, sparseWalSnapshot);
        if ("problem" in decoded) return `a snapshot mark cannot be decoded: ${decoded.problem}`;
        const { index, term, confState } = decoded.value;
        this.replay.mark({
          index,
          term,
          conf: { voters: confState?.voters ?? [], learners: confState?.learners ?? [] },
        });
        return undefined;
      }
    }
  }

  #metadata(data: Uint8Array): string | undefined {
    const decoded = decodeExactly(walMetadata, data);
    if ("problem" in decoded) return `the metadata cannot be decoded: ${decoded.problem}`;
    const { nodeId, clusterId } = decoded.value;
    this.metadata ??= { nodeId, clusterId };
    const isSame = this.metadata.nodeId === nodeId && this.metadata.clusterId === clusterId;
    return isSame ? undefined : "the segment belongs to another member or cluster";
  }

  #entry(data: Uint8Array): string | undefined {
    const entry = readEntry(data);
    if (entry !== undefined) return this.replay.entry(entry);
    const decoded = decodeExactly(entryCodec, data, sparseEntry);
    if ("problem" in decoded) return `an entry cannot be decoded: ${decoded.problem}`;
    const { type, term, index, data: payload } = decoded.value;
    if (type === "CONF_CHANGE_V2") return "a joint configuration change, which this version does not know";
    if (type === "CONF_CHANGE" && payload === undefined) return "a configuration change without content";
    return this.replay.entry({
      term,
      index,
      type: type === "NORMAL" ? "normal" : "confChange",
      data: payload ?? noBytes,
    });
  }
}
