import type { DiskFile } from "../../base/os/disk.ts";
import { BoltError } from "./bolt-error.ts";
import { flag, fnv64a, type Meta, metaMagic, metaVersion, pageHeadBytes } from "./bolt-pages.ts";

/** bbolt makes its pages as large as the system's, from 1 KiB to 64 KiB. */
const pageBytesMin = 1024;
const pageBytesMax = 64 * 1024;
const metaBytes = 64;

export interface BoltMeta extends Meta {
  readonly pageBytes: number;
}

/** Of the two descriptions at the head of a file the newer one that is whole: a crash may have torn the other. Throws BoltError. */
export async function readMeta(file: DiskFile): Promise<BoltMeta> {
  const head = Buffer.from(await file.read(0, pageBytesMax + pageHeadBytes + metaBytes));
  const found: BoltMeta[] = [];
  const first = metaAt(head, 0);
  if (first !== undefined) found.push(first);
  for (let at = pageBytesMin; at <= pageBytesMax; at *= 2) {
    const second = metaAt(head, at);
    if (second?.pageBytes === at) found.push(second);
  }
  const [meta] = found.sort((a, b) => b.transaction - a.transaction);
  if (meta === undefined)
    throw new BoltError(file.path, "is no bbolt database: neither of its meta pages is whole");
  const { pageBytes, pages, root } = meta;
  if (pageBytes < pageBytesMin || pageBytes > pageBytesMax || !Number.isInteger(Math.log2(pageBytes)))
    throw new BoltError(file.path, `pages of ${pageBytes} bytes do not exist`);
  const sizeBytes = await file.sizeBytes();
  if (pages * pageBytes > sizeBytes)
    throw new BoltError(
      file.path,
      `is cut short: it has ${pages} pages of ${pageBytes} bytes, and ${sizeBytes} bytes are there`,
    );
  if (root < 2 || root >= pages) throw new BoltError(file.path, `its root is page ${root} of ${pages}`);
  return meta;
}

/** Undefined where no whole meta page is. */
function metaAt(bytes: Buffer, start: number): BoltMeta | undefined {
  const at = start + pageHeadBytes;
  if (at + metaBytes > bytes.length || bytes.readUInt16LE(start + 8) !== flag.meta) return undefined;
  if (bytes.readUInt32LE(at) !== metaMagic || bytes.readUInt32LE(at + 4) !== metaVersion) return undefined;
  if (bytes.readBigUInt64LE(at + 56) !== fnv64a(bytes.subarray(at, at + 56))) return undefined;
  return {
    pageBytes: bytes.readUInt32LE(at + 8),
    root: Number(bytes.readBigUInt64LE(at + 16)),
    freelist: Number(bytes.readBigUInt64LE(at + 32)),
    pages: Number(bytes.readBigUInt64LE(at + 40)),
    transaction: Number(bytes.readBigUInt64LE(at + 48)),
  };
}
