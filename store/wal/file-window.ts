import type { DiskFile } from "../../base/os/disk.ts";

const windowBytes = 1024 * 1024;
/** Read at a time where all may be zeros. */
const zeros = Buffer.alloc(256 * 1024);

/** Reads a file front to back through one buffer, so that small reads are cheap and a large file is never in memory. */
export class FileWindow {
  readonly #file: DiskFile;
  readonly sizeBytes: number;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  private constructor(file: DiskFile, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  static async open(file: DiskFile): Promise<FileWindow> {
    return new FileWindow(file, await file.sizeBytes());
  }

  get path(): string {
    return this.#file.path;
  }

  /** The bytes at [offset, offset + lengthBytes), fewer at the end of the file. Valid as long as the caller likes. */
  async read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    if (!this.holds(offset, lengthBytes)) await this.move(offset, lengthBytes);
    const from = this.placeOf(offset);
    return this.#bytes.subarray(from, from + lengthBytes);
  }

  /** Holds a megabyte from `offset` on, or `lengthBytes` if that is more, as far as the file goes. What it held stays as it is
   *  for whoever has a view of it. */
  async move(offset: number, lengthBytes: number): Promise<void> {
    const left = Math.max(0, this.sizeBytes - offset);
    this.#bytes = await this.#file.read(offset, Math.min(Math.max(windowBytes, lengthBytes), left));
    this.#start = offset;
  }

  /** Whether all of [offset, offset + lengthBytes) is in `bytes`. */
  holds(offset: number, lengthBytes: number): boolean {
    const from = this.placeOf(offset);
    return from >= 0 && from + lengthBytes <= this.#bytes.length;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Where an offset of the file is in `bytes`. */
  placeOf(offset: number): number {
    return offset - this.#start;
  }

  /** Offset just past the last byte that is not zero, from `offset` on; `offset` when all is zero. */
  endOfData(offset: number): number {
    const buffer = Buffer.allocUnsafeSlow(zeros.length);
    let end = offset;
    for (let at = offset; at < this.sizeBytes; at += buffer.length) {
      const block = buffer.subarray(0, this.#file.readNow(at, buffer));
      if (block.equals(zeros.subarray(0, block.length))) continue;
      const last = lastNonZero(block);
      if (last >= 0) end = at + last + 1;
    }
    return end;
  }
}

function lastNonZero(bytes: Uint8Array): number {
  let at = bytes.length - 1;
  while (at >= 0 && bytes[at] === 0) at -= 1;
  return at;
}
