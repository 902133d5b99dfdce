import { varintBytes, writeVarint } from "../base/varint.ts";
import { WireError, WireReader } from "../base/wire.ts";

/** A raftpb.Entry written by hand, since every entry passes here for the write-ahead log and once for all peers. The bytes are
 *  gogoproto's: scalar fields also when zero, data only where there is some. */
export interface EntryParts {
  readonly type: "normal" | "confChange";
  readonly term: number;
  readonly index: number;
  readonly data: Uint8Array;
}

const tags = { type: 0x08, term: 0x10, index: 0x18, data: 0x22 } as const;

export function entryBytes({ term, index, data }: EntryParts): number {
  const dataField = data.length === 0 ? 0 : 1 + varintBytes(data.length) + data.length;
  return 4 + varintBytes(term) + varintBytes(index) + dataField;
}

/** Writes it at `start`, where there is room; answers where it ends. */
export function writeEntry(
  buffer: Uint8Array,
  start: number,
  { type, term, index, data }: EntryParts,
): number {
  buffer[start] = tags.type;
  buffer[start + 1] = type === "confChange" ? 1 : 0;
  buffer[start + 2] = tags.term;
  let at = writeVarint(buffer, start + 3, term);
  buffer[at] = tags.index;
  at = writeVarint(buffer, at + 1, index);
  if (data.length === 0) return at;
  buffer[at] = tags.data;
  at = writeVarint(buffer, at + 1, data.length);
  buffer.set(data, at);
  return at + data.length;
}

/** The entry with data that `writeEntry` makes exactly these bytes of; undefined where there is none. `data` is a view. */
export function readEntry(bytes: Uint8Array): EntryParts | undefined {
  try {
    const entry = readFields(new WireReader(bytes));
    // A varint that is longer than it need be makes the whole longer.
    return entry !== undefined && entryBytes(entry) === bytes.length ? entry : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function readFields(reader: WireReader): EntryParts | undefined {
  if (reader.varint() !== tags.type) return undefined;
  const type = reader.varint();
  if ((type !== 0 && type !== 1) || reader.varint() !== tags.term) return undefined;
  const term = reader.varint();
  if (reader.varint() !== tags.index) return undefined;
  const index = reader.varint();
  if (reader.varint() !== tags.data) return undefined;
  const data = reader.bytes();
  return data.length > 0 ? { type: type === 1 ? "confChange" : "normal", term, index, data } : undefined;
}
