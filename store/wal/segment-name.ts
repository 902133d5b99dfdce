import type { Index } from "../raft/types.ts";

export interface SegmentName {
  /** Counts up from 0 without gap. */
  readonly sequence: number;
  /** The first index that the segment may hold. */
  readonly index: Index;
  readonly name: string;
}

export function segmentName(sequence: number, index: Index): SegmentName {
  return { sequence, index, name: `${hex16(sequence)}-${hex16(index)}.wal` };
}

/** Undefined for any other file. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const parts = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/.exec(name);
  if (parts === null) return undefined;
  return { sequence: Number.parseInt(parts[1] ?? "", 16), index: Number.parseInt(parts[2] ?? "", 16), name };
}

function hex16(value: number): string {
  return value.toString(16).padStart(16, "0");
}
