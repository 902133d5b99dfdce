import { ImageError } from "../image.ts";

/** What zstd itself takes without being told to: 2^27. */
export const zstdWindowBytesMost = 128 * 1024 * 1024;

const blockBytesMost = 128 * 1024;
const frameMagic = 0xfd2fb528;
/** The last four bits are free. */
const skippableMagic = 0x184d2a50;

/** Walks zstd's frames and blocks (RFC 8878, 3.1) ahead of who unpacks them, and throws where one asks for more memory than we
 *  give: a frame's header alone makes a decompressor take as much as it names. */
export class ZstdFrames {
  /** Of a header, as far as it has come. */
  #header = Buffer.alloc(0);
  #reads: "frame" | "block" = "frame";
  /** Bytes of contents until the next header. */
  #skip = 0;
  #hasChecksum = false;

  see(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + 1)]);
      at++;
      const isWhole = this.#reads === "frame" ? this.#frame(this.#header) : this.#block(this.#header);
      if (isWhole) this.#header = Buffer.alloc(0);
    }
  }

  #frame(header: Buffer): boolean {
    if (header.length < 5) return false;
    const magic = header.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === skippableMagic) {
      if (header.length < 8) return false;
      this.#skip = header.readUInt32LE(4);
      return true;
    }
    if (magic !== frameMagic) throw new ImageError("the layer is not packed with zstd as it should be");
    const descriptor = header[4] ?? 0;
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const windowBytes = isSingleSegment ? 0 : 1;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    if (header.length < 5 + windowBytes + dictionaryBytes + sizeBytes) return false;
    const contentSize = littleEndian(header.subarray(5 + windowBytes + dictionaryBytes));
    // Contents of 256 bytes and more, in two bytes, begin at zero.
    const window = isSingleSegment ? contentSize + (sizeBytes === 2 ? 256 : 0) : windowOf(header[5] ?? 0);
    if (window > zstdWindowBytesMost)
      throw new ImageError(
        `the layer is packed with a window of ${window} bytes; ${zstdWindowBytesMost} are the most`,
      );
    this.#hasChecksum = (descriptor & 4) !== 0;
    this.#reads = "block";
    return true;
  }

  #block(header: Buffer): boolean {
    if (header.length < 3) return false;
    const bits = littleEndian(header);
    const isRepeated = ((bits >> 1) & 3) === 1;
    const isLast = (bits & 1) !== 0;
    if (bits >> 3 > blockBytesMost)
      throw new ImageError("the layer holds a block that is larger than zstd allows");
    this.#skip = (isRepeated ? 1 : bits >> 3) + (isLast && this.#hasChecksum ? 4 : 0);
    if (isLast) this.#reads = "frame";
    return true;
  }
}

const littleEndian = (bytes: Buffer): number => bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}
