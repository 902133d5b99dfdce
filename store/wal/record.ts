import { crc32c } from "../../base/crc32c.ts";
import { varintBytes } from "../../base/varint.ts";
import { WireError, WireReader } from "../../base/wire.ts";
import { record, recordTypes } from "../../proto/wal.ts";
import { decodeExactly } from "./exact.ts";

export type RecordKind = keyof typeof recordTypes;

export type ParsedRecord =
  | { readonly kind: "record"; readonly type: RecordKind; readonly crc: number; readonly data: Uint8Array }
  | { readonly kind: "bad"; readonly problem: string };

const kinds = new Map(
  Object.entries(recordTypes).map(([name, value]) => [value as number, name as RecordKind]),
);

/** Decodes a record and checks it against the chain, where one is given. A CRC record's own `crc` is for the caller to judge. */
export function parseRecord(bytes: Uint8Array, chain: number | undefined): ParsedRecord {
  const decoded = readWithData(bytes) ?? decodeExactly(record, bytes);
  if ("problem" in decoded)
    return { kind: "bad", problem: `the record cannot be decoded: ${decoded.problem}` };
  const { crc } = decoded.value;
  const data = decoded.value.data ?? noBytes;
  const type = kinds.get(decoded.value.type);
  if (type === undefined) return { kind: "bad", problem: `record type ${decoded.value.type} does not exist` };
  if (type === "CRC") {
    if (data.length > 0) return { kind: "bad", problem: "a checksum record holds data" };
  } else if (chain !== undefined) {
    const computed = crc32c(chain, data);
    if (computed !== crc) {
      return { kind: "bad", problem: `checksum is ${hex(crc)} where the data has ${hex(computed)}` };
    }
  }
  return { kind: "record", type, crc, data };
}

const noBytes = new Uint8Array(0);
const tags = { type: 0x08, crc: 0x10, data: 0x1a } as const;

/** By hand what `decodeExactly` makes of a record with data, since every entry passes here; undefined for all others. */
function readWithData(bytes: Uint8Array) {
  try {
    const reader = new WireReader(bytes);
    if (reader.varint() !== tags.type) return undefined;
    const type = reader.varint();
    if (type < 0 || type >= 0x80 || reader.varint() !== tags.crc) return undefined;
    const crc = reader.varint();
    if (crc < 0 || crc >= 2 ** 32 || reader.position === reader.end) return undefined;
    if (reader.varint() !== tags.data) return undefined;
    const data = reader.bytes();
    // A varint that is longer than it need be makes the whole longer.
    const exactBytes = 2 + 1 + varintBytes(crc) + 1 + varintBytes(data.length) + data.length;
    return exactBytes === bytes.length ? { value: { type, crc, data } } : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
