import { varintBytes, writeVarint } from "../../../base/varint.ts";
import { entryBytes, writeEntry } from "../../../proto/entry-bytes.ts";
import type { Entry } from "../../raft/types.ts";

const entriesTag = 0x3a;

/** Entries as they stand in a raftpb.Message (its field 7), one after the other. */
export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  let total = 0;
  for (const entry of entries) {
    const size = entryBytes(entry);
    total += 1 + varintBytes(size) + size;
  }
  const block = Buffer.allocUnsafe(total);
  let at = 0;
  for (const entry of entries) {
    block[at] = entriesTag;
    at = writeEntry(block, writeVarint(block, at + 1, entryBytes(entry)), entry);
  }
  return block;
}
