import type { FileWindow } from "./file-window.ts";
import { frameHeaderBytes, readFrameHeader } from "./frame.ts";
import { parseRecord, type RecordKind } from "./record.ts";

/** Bugs that simulation plants, by name. */
export interface WalFaults {
  /** Records are taken whatever their checksum says. */
  readonly trustRecords?: true;
}

export type Scanned =
  | { readonly kind: "record"; readonly type: RecordKind; readonly data: Uint8Array; readonly offset: number }
  /** A zero length field, or the end of the file, at `offset`. */
  | { readonly kind: "end"; readonly offset: number }
  | { readonly kind: "bad"; readonly offset: number; readonly problem: string };

/** The window must first be moved to where it holds the record. */
export interface Beyond {
  readonly kind: "beyond";
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Reads the records of one segment in order and checks each against the chain. Waits for nothing itself: there may be hundreds of
 *  thousands of records, and to wait for each takes longer than to read it. */
export class SegmentScan {
  readonly #window: FileWindow;
  #offset = 0;
  /** The chain so far; undefined until a CRC record states it. */
  #chain: number | undefined;
  #hasSeals = false;

  readonly #trusts: boolean;

  constructor(window: FileWindow, chain: number | undefined, faults: WalFaults = {}) {
    this.#window = window;
    this.#chain = chain;
    this.#trusts = faults.trustRecords === true;
  }

  get chain(): number {
    return this.#chain ?? 0;
  }

  /** Whether a CRC record was seen elsewhere than at the segment's head: then every synced batch ends with one. */
  get hasSeals(): boolean {
    return this.#hasSeals;
  }

  next(): Scanned | Beyond {
    const window = this.#window;
    const offset = this.#offset;
    const leftBytes = window.sizeBytes - offset;
    if (leftBytes === 0) return { kind: "end", offset };
    if (leftBytes < frameHeaderBytes) return { kind: "bad", offset, problem: "the file ends within a frame" };
    if (!window.holds(offset, frameHeaderBytes))
      return { kind: "beyond", offset, lengthBytes: frameHeaderBytes };
    const { bytes } = window;
    const at = window.placeOf(offset);
    const header = readFrameHeader(bytes, at);
    if (header.kind === "zero") return { kind: "end", offset };
    if (header.kind === "bad") return { kind: "bad", offset, problem: header.problem };
    const { recordBytes, frameBytes } = header;
    if (frameBytes > leftBytes)
      return { kind: "bad", offset, problem: "a record reaches past the end of the file" };
    if (!window.holds(offset, frameBytes)) return { kind: "beyond", offset, lengthBytes: frameBytes };
    const recordEnd = at + frameHeaderBytes + recordBytes;
    for (let padding = recordEnd; padding < at + frameBytes; padding++)
      if (bytes[padding] !== 0)
        return { kind: "bad", offset, problem: "the padding after a record is not zero" };
    const parsed = parseRecord(
      bytes.subarray(at + frameHeaderBytes, recordEnd),
      this.#trusts ? undefined : this.chain,
    );
    if (parsed.kind === "bad") return { kind: "bad", offset, problem: parsed.problem };
    if (parsed.type === "CRC") {
      if (this.#chain !== undefined && this.#chain !== parsed.crc) {
        return { kind: "bad", offset, problem: "the checksum chain does not continue what comes before" };
      }
      this.#hasSeals ||= offset > 0;
    } else if (this.#chain === undefined) {
      return { kind: "bad", offset, problem: "the segment does not begin with a checksum record" };
    }
    this.#chain = parsed.crc;
    this.#offset = offset + frameBytes;
    return { kind: "record", type: parsed.type, data: parsed.data, offset };
  }
}
