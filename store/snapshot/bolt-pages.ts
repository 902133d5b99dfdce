/** bbolt's pages (go.etcd.io/bbolt: page.go, meta.go; integers little-endian): a header of 16 bytes, then elements of 16
 *  bytes each, then their keys and values. An element whose page does not fit `pageBytes` takes the pages after it too. */
export const pageBytes = 4096;
export const pageHeadBytes = 16;
export const elementBytes = 16;
export const flag = { branch: 1, leaf: 2, meta: 4, freelist: 16 } as const;
export const bucketFlag = 1;
export const metaMagic = 0xed0cdaed;
export const metaVersion = 2;
/** Before the bytes of a bucket that lies in its parent: its root page (0: the page follows here) and a counter. */
export const bucketHeadBytes = 16;

export interface LeafElement {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The value is a bucket's header. */
  readonly isBucket?: boolean;
}
export interface BranchElement {
  /** The first key of the child. */
  readonly key: Uint8Array;
  readonly page: number;
}

/** Pages that so many bytes of content take. */
export function pagesOf(contentBytes: number): number {
  return Math.max(1, Math.ceil(contentBytes / pageBytes));
}

export function leafPage(id: number, elements: readonly LeafElement[]): Uint8Array {
  const size = elements.reduce((sum, e) => sum + elementBytes + e.key.length + e.value.length, pageHeadBytes);
  const page = newPage(id, flag.leaf, elements.length, size);
  let data = pageHeadBytes + elements.length * elementBytes;
  elements.forEach(({ key, value, isBucket }, at) => {
    const head = pageHeadBytes + at * elementBytes;
    page.writeUInt32LE(isBucket ? bucketFlag : 0, head);
    page.writeUInt32LE(data - head, head + 4);
    page.writeUInt32LE(key.length, head + 8);
    page.writeUInt32LE(value.length, head + 12);
    page.set(key, data);
    page.set(value, data + key.length);
    data += key.length + value.length;
  });
  return page;
}

export function branchPage(id: number, elements: readonly BranchElement[]): Uint8Array {
  const size = elements.reduce((sum, e) => sum + elementBytes + e.key.length, pageHeadBytes);
  const page = newPage(id, flag.branch, elements.length, size);
  let data = pageHeadBytes + elements.length * elementBytes;
  elements.forEach(({ key, page: child }, at) => {
    const head = pageHeadBytes + at * elementBytes;
    page.writeUInt32LE(data - head, head);
    page.writeUInt32LE(key.length, head + 4);
    page.writeBigUInt64LE(BigInt(child), head + 8);
    page.set(key, data);
    data += key.length;
  });
  return page;
}

/** No page is free. */
export function freelistPage(id: number): Uint8Array {
  return newPage(id, flag.freelist, 0, pageHeadBytes);
}

export interface Meta {
  /** The page of the bucket of buckets. */
  readonly root: number;
  readonly freelist: number;
  /** The first page beyond the file. */
  readonly pages: number;
  readonly transaction: number;
}

export function metaPage(id: 0 | 1, meta: Meta): Uint8Array {
  const page = newPage(id, flag.meta, 0, pageHeadBytes);
  const at = pageHeadBytes;
  page.writeUInt32LE(metaMagic, at);
  page.writeUInt32LE(metaVersion, at + 4);
  page.writeUInt32LE(pageBytes, at + 8);
  page.writeBigUInt64LE(BigInt(meta.root), at + 16);
  page.writeBigUInt64LE(BigInt(meta.freelist), at + 32);
  page.writeBigUInt64LE(BigInt(meta.pages), at + 40);
  page.writeBigUInt64LE(BigInt(meta.transaction), at + 48);
  page.writeBigUInt64LE(fnv64a(page.subarray(at, at + 56)), at + 56);
  return page;
}

/** What the bucket of buckets holds of a bucket. */
export function bucketHead(root: number): Uint8Array {
  const head = Buffer.alloc(bucketHeadBytes);
  head.writeBigUInt64LE(BigInt(root));
  return head;
}

function newPage(id: number, flags: number, count: number, contentBytes: number): Buffer {
  const pages = pagesOf(contentBytes);
  const page = Buffer.alloc(pages * pageBytes);
  page.writeBigUInt64LE(BigInt(id));
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(count, 10);
  page.writeUInt32LE(pages - 1, 12);
  return page;
}

/** FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function fnv64a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
