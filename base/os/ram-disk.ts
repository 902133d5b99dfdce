import type { Disk, DiskFile } from "./disk.ts";
import { SimBytes } from "./sim-bytes.ts";

/** Files in memory. Nothing takes time, nothing is ever lost, and all is gone with the object. */
export class RamDisk implements Disk {
  readonly #files = new Map<string, RamFile>();

  async open(path: string, options: { create?: boolean } = {}): Promise<DiskFile> {
    let file = this.#files.get(path);
    if (file === undefined) {
      if (options.create !== true) throw missing(path);
      file = new RamFile(path);
      this.#files.set(path, file);
    }
    return file;
  }

  async list(folder: string): Promise<string[]> {
    const prefix = `${folder}/`;
    const names = [...this.#files.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length).split("/", 1)[0] ?? "");
    return [...new Set(names)].sort();
  }

  async exists(path: string): Promise<boolean> {
    return this.#files.has(path) || (await this.list(path)).length > 0;
  }

  async sizeBytes(path: string): Promise<number> {
    return this.#files.get(path)?.bytes.length ?? 0;
  }

  /** A folder is there as soon as a file is. */
  async makeFolder(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    const moved = [...this.#files].filter(([path]) => path === from || path.startsWith(`${from}/`));
    if (moved.length === 0) throw missing(from);
    for (const [path, file] of moved) {
      this.#files.delete(path);
      file.path = to + path.slice(from.length);
      this.#files.set(file.path, file);
    }
  }

  async remove(path: string): Promise<void> {
    for (const known of [...this.#files.keys()])
      if (known === path || known.startsWith(`${path}/`)) this.#files.delete(known);
  }

  async syncFolder(): Promise<void> {}
}

class RamFile implements DiskFile {
  path: string;
  readonly bytes = new SimBytes();

  constructor(path: string) {
    this.path = path;
  }

  async sizeBytes(): Promise<number> {
    return this.bytes.length;
  }

  async read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    return this.bytes.view.slice(offset, offset + lengthBytes);
  }

  readNow(offset: number, into: Uint8Array): number {
    const found = this.bytes.view.subarray(offset, offset + into.length);
    into.set(found);
    return found.length;
  }

  async write(offset: number, chunks: readonly Uint8Array[]): Promise<void> {
    let at = offset;
    for (const chunk of chunks) {
      this.bytes.write(at, chunk);
      at += chunk.length;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.bytes.resize(sizeBytes);
  }

  async sync(): Promise<void> {}

  syncNow(): void {}

  async close(): Promise<void> {}
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory: ${path}`), { code: "ENOENT" });
}
