import type { DiskFile } from "../../base/os/disk.ts";

const windowBytes = 1024 * 1024;
const zeros = Buffer.alloc(windowBytes);

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
    const held = this.peek(offset, lengthBytes);
    if (held !== undefined) return held;
    this.#start = offset;
    this.#bytes = await this.#file.read(
      offset,
      Math.min(Math.max(windowBytes, lengthBytes), Math.max(0, this.sizeBytes - offset)),
    );
    return this.#bytes.subarray(0, lengthBytes);
  }

  /** As `read`, if the window holds it all. */
  peek(offset: number, lengthBytes: number): Uint8Array | undefined {
    const from = offset - this.#start;
    return from >= 0 && from + lengthBytes <= this.#bytes.length
      ? this.#bytes.subarray(from, from + lengthBytes)
      : undefined;
  }

  /** Offset just past the last byte that is not zero, from `offset` on; `offset` when all is zero. */
  async endOfData(offset: number): Promise<number> {
    let end = offset;
    for (let at = offset; at < this.sizeBytes; at += windowBytes) {
      const block = await this.#file.read(at, Math.min(windowBytes, this.sizeBytes - at));
      if (Buffer.compare(block, zeros.subarray(0, block.length)) === 0) continue;
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
