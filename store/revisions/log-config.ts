import type { Disk } from "../../base/os/disk.ts";
import type { BlockSizes } from "./block-writer.ts";

export interface RevisionLogConfig extends BlockSizes {
  /** A file is full at this size. */
  readonly segmentBytes: number;
  /** What was written last stays in memory up to so many bytes: it is what is read most. */
  readonly recentBytesMax: number;
  /** What was read back from files and is kept. */
  readonly cacheBytesMax: number;
}

export const revisionLogDefaults: RevisionLogConfig = {
  segmentBytes: 64 * 1024 * 1024,
  blockBytes: 8 * 1024,
  chunkBytes: 1024 * 1024,
  recentBytesMax: 8 * 1024 * 1024,
  cacheBytesMax: 32 * 1024 * 1024,
};

/** Bugs that simulation plants, by name. */
export interface RevisionFaults {
  /** The database's mark is saved before what it points at is synced. */
  readonly markBeforeLog?: true;
  /** A rewritten segment takes its place before it is synced. */
  readonly switchBeforeSync?: true;
  /** What stands in a file behind the mark is taken for rows. */
  readonly keepTail?: true;
  /** A checkpoint stays although rows behind it are rewritten. */
  readonly keepCheckpoint?: true;
  /** Dropped rows behind a checkpoint are not read with it. */
  readonly skipDropped?: true;
}

export interface RevisionLogParts {
  readonly folder: string;
  readonly disk: Disk;
  readonly pause: () => Promise<void>;
  readonly faults?: RevisionFaults | undefined;
}
