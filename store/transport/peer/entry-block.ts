import { varintBytes, writeVarint } from "../../../base/varint.ts";
import type { Entry } from "../../raft/types.ts";

/** Entries as they stand in a raftpb.Message (its field 7), one after the other; a raftpb.Entry as gogoproto writes it: with
 *  zeros, and without data that is empty. Written by hand: every entry passes here once. */
const tags = { entry: 0x3a, type: 0x08, term: 0x10, index: 0x18, data: 0x22 } as const;

export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  let total = 0;
  for (const entry of entries) {
    const size = entryBytes(entry);
    total += 1 + varintBytes(size) + size;
  }
  const block = Buffer.allocUnsafe(total);
  let at = 0;
  for (const entry of entries) {
    block[at] = tags.entry;
    at = writeEntry(block, writeVarint(block, at + 1, entryBytes(entry)), entry);
  }
  return block;
}

function entryBytes({ term, index, data }: Entry): number {
  const dataField = data.length === 0 ? 0 : 1 + varintBytes(data.length) + data.length;
  return 4 + varintBytes(term) + varintBytes(index) + dataField;
}

function writeEntry(block: Buffer, start: number, { type, term, index, data }: Entry): number {
  block[start] = tags.type;
  block[start + 1] = type === "confChange" ? 1 : 0;
  block[start + 2] = tags.term;
  let at = writeVarint(block, start + 3, term);
  block[at] = tags.index;
  at = writeVarint(block, at + 1, index);
  if (data.length === 0) return at;
  block[at] = tags.data;
  at = writeVarint(block, at + 1, data.length);
  block.set(data, at);
  return at + data.length;
}
