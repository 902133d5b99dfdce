import { crc32c } from "../../base/crc32c.ts";
import { WireError } from "../../base/protobuf.ts";
import { record, recordTypes } from "../../proto/wal.ts";

export type RecordKind = keyof typeof recordTypes;

export type ParsedRecord =
  | { readonly kind: "record"; readonly type: RecordKind; readonly crc: number; readonly data: Uint8Array }
  | { readonly kind: "bad"; readonly problem: string };

const kinds = new Map(
  Object.entries(recordTypes).map(([name, value]) => [value as number, name as RecordKind]),
);

/** Decodes a record and checks it against the chain. A CRC record's own `crc` is for the caller to judge. */
export function parseRecord(bytes: Uint8Array, chain: number): ParsedRecord {
  const decoded = decode(bytes);
  if (typeof decoded === "string") return { kind: "bad", problem: decoded };
  const { crc } = decoded;
  const data = decoded.data ?? new Uint8Array(0);
  const type = kinds.get(decoded.type);
  if (type === undefined) return { kind: "bad", problem: `record type ${decoded.type} does not exist` };
  if (type !== "CRC") {
    const computed = crc32c(chain, data);
    if (computed !== crc) {
      return { kind: "bad", problem: `checksum is ${hex(crc)} where the data has ${hex(computed)}` };
    }
  }
  return { kind: "record", type, crc, data };
}

function decode(bytes: Uint8Array) {
  try {
    const decoded = record.decode(bytes);
    // Whatever decodes must also be what we (or etcd) would have written, so that no bit is beyond the checksum's reach.
    const again = record.encode(decoded);
    return Buffer.compare(again, bytes) === 0 ? decoded : "the record has an impossible form";
  } catch (error) {
    if (error instanceof WireError) return `the record cannot be decoded (${error.message})`;
    throw error;
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
