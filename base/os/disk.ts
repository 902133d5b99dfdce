import { constants, fdatasyncSync, readSync, writeSync } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "./make-folder.ts";

/** The door to files. Paths are absolute. What a crash may lose is stated per method; the simulated disk loses exactly that. */
export interface Disk {
  /** Opens for reading and writing; `create` makes an empty file where there is none. */
  open(path: string, options?: { create?: boolean }): Promise<DiskFile>;
  /** The names in a folder, sorted; an absent folder is an empty one. */
  list(folder: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  /** The size of a file; 0 where it is absent. Opens nothing: closing a file that another part of the process has locked would
   *  drop that lock. */
  sizeBytes(path: string): Promise<number>;
  /** Makes the folder and its parents, and makes that durable. */
  makeFolder(folder: string): Promise<void>;
  /** Atomic; survives a crash only after `syncFolder` of the parent. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole folder; absent is fine. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the folder durable. */
  syncFolder(folder: string): Promise<void>;
}

export interface DiskFile {
  readonly path: string;
  sizeBytes(): Promise<number>;
  /** Reads up to `lengthBytes` from `offset`; shorter at the end of the file. */
  read(offset: number, lengthBytes: number): Promise<Uint8Array>;
  /** The same at once, to the beginning of `into`, as much as goes there; answers the bytes read. For a few kilobytes, which the
   *  system mostly has in memory. */
  readNow(offset: number, into: Uint8Array): number;
  /** Writes all chunks one after the other from `offset`; lost or torn by a crash until `sync`. */
  write(offset: number, chunks: readonly Uint8Array[]): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** fdatasync: everything written before is durable when it resolves. */
  sync(): Promise<void>;
  /** The same at once: the thread stands still meanwhile. For disks that are known to be quick. */
  syncNow(): void;
  close(): Promise<void>;
}

export const systemDisk: Disk = {
  async open(path, options = {}) {
    const flags = constants.O_RDWR | (options.create ? constants.O_CREAT : 0);
    return new SystemFile(path, await fs.open(path, flags, 0o600));
  },
  async list(folder) {
    try {
      return (await fs.readdir(folder)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  async exists(path) {
    try {
      await fs.stat(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  },
  async sizeBytes(path) {
    try {
      return (await fs.stat(path)).size;
    } catch (error) {
      if (isMissing(error)) return 0;
      throw error;
    }
  },
  async makeFolder(folder) {
    const first = await makeFolder(folder, 0o700);
    if (first !== undefined) await systemDisk.syncFolder(dirname(first));
  },
  rename: (from, to) => fs.rename(from, to),
  remove: (path) => fs.rm(path, { recursive: true, force: true }),
  async syncFolder(folder) {
    const handle = await fs.open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/** The same files, of which nothing can be changed through it. */
export const readOnlyDisk: Disk = {
  ...systemDisk,
  async open(path) {
    return new SystemFile(path, await fs.open(path, constants.O_RDONLY));
  },
  makeFolder: refuseChange,
  rename: refuseChange,
  remove: refuseChange,
  syncFolder: refuseChange,
};

function refuseChange(path: string): Promise<never> {
  return Promise.reject(new Error(`${path}: is opened for reading only`));
}

/** A write this small only copies into the kernel's page cache, which is over sooner than another thread is woken for it. */
const directWriteBytesMax = 256 * 1024;

class SystemFile implements DiskFile {
  readonly path: string;
  readonly #handle: fs.FileHandle;

  constructor(path: string, handle: fs.FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(lengthBytes);
    let filled = 0;
    while (filled < lengthBytes) {
      const { bytesRead } = await this.#handle.read(buffer, filled, lengthBytes - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  readNow(offset: number, into: Uint8Array): number {
    let filled = 0;
    while (filled < into.length) {
      const bytesRead = readSync(this.#handle.fd, into, filled, into.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  async write(offset: number, chunks: readonly Uint8Array[]): Promise<void> {
    let totalBytes = 0;
    for (const chunk of chunks) totalBytes += chunk.length;
    const [only] = chunks;
    const bytesWritten =
      only !== undefined && chunks.length === 1 && totalBytes <= directWriteBytesMax
        ? writeSync(this.#handle.fd, only, 0, totalBytes, offset)
        : (await this.#handle.writev(chunks as Uint8Array[], offset)).bytesWritten;
    if (bytesWritten === totalBytes) return;
    // A short write happens when the disk fills up or a signal interrupts; finish it or get the real error.
    let rest = Buffer.concat(chunks).subarray(bytesWritten);
    let at = offset + bytesWritten;
    while (rest.length > 0) {
      const more = await this.#handle.write(rest, 0, rest.length, at);
      rest = rest.subarray(more.bytesWritten);
      at += more.bytesWritten;
    }
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  syncNow(): void {
    fdatasyncSync(this.#handle.fd);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Writes a small file so that a crash leaves either the old content or the new, never a mixture. */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const draft = `${path}.tmp`;
  await disk.remove(draft);
  const file = await disk.open(draft, { create: true });
  try {
    await file.write(0, [content]);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(draft, path);
  await disk.syncFolder(join(path, ".."));
}
