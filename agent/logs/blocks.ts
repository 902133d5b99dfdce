/** A stretch of a file that begins and ends with whole lines, and what is known of their times without reading it. */
export interface Block {
  /** Of the first line, and of the first after the last (of the last, at a file's end). NaN: not known. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly offset: number;
  /** As it lies on the disk. */
  readonly diskBytes: number;
}

/** An open file with its index. */
export interface BlockFile {
  readonly blocks: readonly Block[];
  /** Its lines. What comes after the last newline is a line that is not written yet. */
  read(block: Block): Buffer;
  close(): void;
}

/** How much is read, looked through and held at a time. */
export const blockBytes = 64 * 1024;

/** Of a line; what is beyond is not looked at. */
export const lineBytesMost = 1024 * 1024;

/** Of a block, whose last line may be long. */
export const blockBytesMost = blockBytes + 3 * lineBytesMost;

/** Streams of a container are written down beside each other, so that times may be this much out of order. */
const disorderUs = 1_000_000;

/** Times between which all lines of a block are. Where a clock was set back in between, any may be in it. */
export function timesOf({ fromUs, toUs }: Block): { readonly leastUs: number; readonly mostUs: number } {
  const isOrdered = fromUs <= toUs + disorderUs;
  return isOrdered
    ? { leastUs: Math.min(fromUs, toUs) - disorderUs, mostUs: Math.max(fromUs, toUs) + disorderUs }
    : { leastUs: Number.NEGATIVE_INFINITY, mostUs: Number.POSITIVE_INFINITY };
}
