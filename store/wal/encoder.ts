import { crc32c } from "../../base/crc32c.ts";
import { varintBytes, writeVarint } from "../../base/varint.ts";
import { entryBytes, writeEntry } from "../../proto/entry-bytes.ts";
import { recordTypes } from "../../proto/wal.ts";
import type { Entry } from "../raft/types.ts";
import { frameHeaderBytes, paddingBytes, writeFrameHeader } from "./frame.ts";

/** A buffer that grew beyond this for one large batch is given back afterwards. */
const keptBufferBytes = 4 * 1024 * 1024;
/** Length field, type, CRC and the data's tag and length, at most. */
const recordOverheadBytes = frameHeaderBytes + 2 + 6 + 1 + 5 + 7;

/** Encodes records into one reused buffer and carries the CRC chain.
 *  Entries are written by hand rather than through the codec tables: they are the hot path of every write. */
export class RecordEncoder {
  /** The chain's checksum after everything encoded so far. */
  crc: number;
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #length = 0;

  constructor(crc: number) {
    this.crc = crc;
  }

  get lengthBytes(): number {
    return this.#length;
  }

  /** What was encoded since `clear()`; valid until then. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > keptBufferBytes) this.#buffer = Buffer.allocUnsafe(64 * 1024);
  }

  /** A record that states the chain so far; it does not continue it. */
  crcRecord(): void {
    this.#room(recordOverheadBytes);
    const start = this.#length;
    let at = start + frameHeaderBytes;
    at = this.#writeByte(this.#writeByte(at, 0x08), recordTypes.CRC);
    at = writeVarint(this.#buffer, this.#writeByte(at, 0x10), this.crc);
    this.#finishFrame(start, at);
  }

  record(type: keyof typeof recordTypes, data: Uint8Array): void {
    this.#room(recordOverheadBytes + data.length);
    const start = this.#length;
    const dataAt = this.#dataAt(start, data.length);
    this.#buffer.set(data, dataAt);
    this.#finishRecord(start, recordTypes[type], data.length);
  }

  entry(entry: Entry): void {
    const size = entryBytes(entry);
    this.#room(recordOverheadBytes + size);
    const start = this.#length;
    writeEntry(this.#buffer, this.#dataAt(start, size), entry);
    this.#finishRecord(start, recordTypes.ENTRY, size);
  }

  /** Where the record's data goes when the CRC takes five bytes, as it nearly always does. */
  #dataAt(start: number, dataBytes: number): number {
    return start + frameHeaderBytes + 2 + 1 + 5 + 1 + varintBytes(dataBytes);
  }

  /** Entered with the data in place: adds it to the chain and writes what goes before it. */
  #finishRecord(start: number, type: number, dataBytes: number): void {
    const from = this.#dataAt(start, dataBytes);
    this.crc = crc32c(this.crc, this.#buffer, from, from + dataBytes);
    let at = start + frameHeaderBytes;
    at = this.#writeByte(this.#writeByte(at, 0x08), type);
    at = writeVarint(this.#buffer, this.#writeByte(at, 0x10), this.crc);
    at = writeVarint(this.#buffer, this.#writeByte(at, 0x1a), dataBytes);
    if (at !== from) this.#buffer.copyWithin(at, from, from + dataBytes);
    this.#finishFrame(start, at + dataBytes);
  }

  #finishFrame(start: number, end: number): void {
    const recordBytes = end - start - frameHeaderBytes;
    writeFrameHeader(this.#buffer, start, recordBytes);
    const padded = end + paddingBytes(recordBytes);
    this.#buffer.fill(0, end, padded);
    this.#length = padded;
  }

  #room(moreBytes: number): void {
    if (this.#length + moreBytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + moreBytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  #writeByte(at: number, byte: number): number {
    this.#buffer[at] = byte;
    return at + 1;
  }
}
