import { statfsSync } from "node:fs";
import { ImageError } from "../image.ts";

/** How often the disk is looked at. */
const lookBytes = 32 * 1024 * 1024;

/** Of a disk that images are written to, so much stays free whatever they hold. */
export const freeBytesLeast = 256 * 1024 * 1024;

/** Watches the room on the disk that a folder is on, while something comes whose end nobody knows. */
export class DiskRoom {
  readonly #folder: string;
  readonly #freeBytesLeast: number;
  #unlooked = lookBytes;

  constructor(folder: string, least = freeBytesLeast) {
    this.#folder = folder;
    this.#freeBytesLeast = least;
  }

  /** Throws ImageError where too little is left for more. */
  take(bytes: number): void {
    this.#unlooked += bytes;
    if (this.#unlooked < lookBytes) return;
    this.#unlooked = 0;
    const { bavail, bsize } = statfsSync(this.#folder);
    if (bavail * bsize < this.#freeBytesLeast)
      throw new ImageError(
        `no space left for the image: less than ${this.#freeBytesLeast} bytes are free on the disk`,
      );
  }
}
