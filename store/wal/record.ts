import { crc32c } from "../../base/crc32c.ts";
import { record, recordTypes } from "../../proto/wal.ts";
import { decodeExactly } from "./exact.ts";

export type RecordKind = keyof typeof recordTypes;

export type ParsedRecord =
  | { readonly kind: "record"; readonly type: RecordKind; readonly crc: number; readonly data: Uint8Array }
  | { readonly kind: "bad"; readonly problem: string };

const kinds = new Map(
  Object.entries(recordTypes).map(([name, value]) => [value as number, name as RecordKind]),
);

/** Decodes a record and checks it against the chain. A CRC record's own `crc` is for the caller to judge. */
export function parseRecord(bytes: Uint8Array, chain: number): ParsedRecord {
  const decoded = decodeExactly(record, bytes);
  if ("problem" in decoded)
    return { kind: "bad", problem: `the record cannot be decoded: ${decoded.problem}` };
  const { crc } = decoded.value;
  const data = decoded.value.data ?? new Uint8Array(0);
  const type = kinds.get(decoded.value.type);
  if (type === undefined) return { kind: "bad", problem: `record type ${decoded.value.type} does not exist` };
  if (type === "CRC") {
    if (data.length > 0) return { kind: "bad", problem: "a checksum record holds data" };
  } else {
    const computed = crc32c(chain, data);
    if (computed !== crc) {
      return { kind: "bad", problem: `checksum is ${hex(crc)} where the data has ${hex(computed)}` };
    }
  }
  return { kind: "record", type, crc, data };
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
