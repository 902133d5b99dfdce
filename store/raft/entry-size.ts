import type { Entry } from "./types.ts";

/** What an entry costs in a message beside its payload, roughly: type, term, index and their tags. */
export const entryOverheadBytes = 16;

export function payloadBytes(entries: readonly Entry[]): number {
  let total = 0;
  for (const entry of entries) total += entry.data.length;
  return total;
}
