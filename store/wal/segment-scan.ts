import type { FileWindow } from "./file-window.ts";
import { frameHeaderBytes, readFrameHeader } from "./frame.ts";
import { parseRecord, type RecordKind } from "./record.ts";

export type Scanned =
  | { readonly kind: "record"; readonly type: RecordKind; readonly data: Uint8Array; readonly offset: number }
  /** A zero length field, or the end of the file, at `offset`. */
  | { readonly kind: "end"; readonly offset: number }
  | { readonly kind: "bad"; readonly offset: number; readonly problem: string };

/** Reads the records of one segment in order and checks each against the chain. */
export class SegmentScan {
  readonly #window: FileWindow;
  #offset = 0;
  /** The chain so far; undefined until a CRC record states it. */
  #chain: number | undefined;
  #hasSeals = false;

  constructor(window: FileWindow, chain: number | undefined) {
    this.#window = window;
    this.#chain = chain;
  }

  get chain(): number {
    return this.#chain ?? 0;
  }

  /** Whether a CRC record was seen elsewhere than at the segment's head: then every synced batch ends with one. */
  get hasSeals(): boolean {
    return this.#hasSeals;
  }

  async next(): Promise<Scanned> {
    const offset = this.#offset;
    const headerBytes = await this.#window.read(offset, frameHeaderBytes);
    if (headerBytes.length === 0) return { kind: "end", offset };
    if (headerBytes.length < frameHeaderBytes)
      return { kind: "bad", offset, problem: "the file ends within a frame" };
    const header = readFrameHeader(headerBytes);
    if (header.kind === "zero") return { kind: "end", offset };
    if (header.kind === "bad") return { kind: "bad", offset, problem: header.problem };
    if (offset + header.frameBytes > this.#window.sizeBytes) {
      return { kind: "bad", offset, problem: "a record reaches past the end of the file" };
    }
    const body = await this.#window.read(offset + frameHeaderBytes, header.frameBytes - frameHeaderBytes);
    if (body.subarray(header.recordBytes).some((byte) => byte !== 0)) {
      return { kind: "bad", offset, problem: "the padding after a record is not zero" };
    }
    const parsed = parseRecord(body.subarray(0, header.recordBytes), this.chain);
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
    this.#offset = offset + header.frameBytes;
    return { kind: "record", type: parsed.type, data: parsed.data, offset };
  }
}
