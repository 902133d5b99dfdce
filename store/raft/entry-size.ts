import type { Entry } from "./types.ts";

/** What an entry costs in a message beside its payload, roughly: type, term, index and their tags. */
const entryOverheadBytes = 16;

export function payloadBytes(entries: readonly Entry[]): number {
  let total = 0;
  for (const entry of entries) total += entry.data.length;
  return total;
}

/** How many of entries[start, end) fit `bytesMax`; at least one, if there is one. */
export function entriesWithin(
  entries: readonly Entry[],
  start: number,
  end: number,
  bytesMax: number,
): number {
  let used = 0;
  let at = start;
  for (; at < end; at++) {
    used += (entries[at]?.data.length ?? 0) + entryOverheadBytes;
    if (used > bytesMax && at > start) break;
  }
  return at - start;
}
