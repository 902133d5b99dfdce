import type { DiskFile } from "../../base/os/disk.ts";
import type { Row } from "../backend/backend.ts";
import { type LeafRow, type PageContent, readElements, readPageHead } from "./bolt-elements.ts";
import { BoltError } from "./bolt-error.ts";
import { type BoltMeta, readMeta } from "./bolt-meta.ts";
import { bucketHeadBytes, pageHeadBytes } from "./bolt-pages.ts";

/** A page and what overflows from it is in memory at once. Larger is damage: no value of etcd's comes near it. */
const pageRunBytesMax = 512 * 1024 * 1024;
/** Pages next to each other are mostly wanted one after the other. */
const readAheadBytes = 256 * 1024;
/** Two children to a branch at the least, and no file has more than 2^53 pages. */
const depthMax = 53;

interface Bounds {
  /** [from, to); `to` absent: to the end. */
  readonly from: string;
  readonly to?: string | undefined;
}

/** A bbolt database that nobody writes, read page by page. Each page that is read is checked, and belongs to one place in one
 *  tree only: so whatever the file says, reading it ends, and needs no more memory than one page with its overflow and a bit
 *  for each page. Everything throws BoltError. */
export class BoltFile {
  readonly #file: DiskFile;
  readonly #meta: BoltMeta;
  /** A bit for each page that has its place in a tree. */
  #taken: Uint8Array = new Uint8Array(0);
  #ahead: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };

  private constructor(file: DiskFile, meta: BoltMeta) {
    this.#file = file;
    this.#meta = meta;
  }

  /** The file is closed with it; at once, where it is no database. */
  static async open(file: DiskFile): Promise<BoltFile> {
    try {
      return new BoltFile(file, await readMeta(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  get path(): string {
    return this.#file.path;
  }
  /** Without what stands after the last page. */
  get sizeBytes(): number {
    return this.#meta.pages * this.#meta.pageBytes;
  }

  /** All rows of all buckets, in the order of the buckets' names and the rows' keys, some at a time; a bucket without rows
   *  comes as one empty list. Buckets that `isWanted` does not want are not looked into. */
  async *rows(
    isWanted: (bucket: string) => boolean = () => true,
  ): AsyncIterable<{ readonly bucket: string; readonly rows: readonly Row[] }> {
    this.#taken = new Uint8Array(Math.ceil(this.#meta.pages / 8));
    for await (const buckets of this.#leaves(this.#meta.root)) {
      for (const { key: bucket, value, isBucket } of buckets) {
        if (!isBucket) throw this.#bad(`a row beside its buckets: ${JSON.stringify(bucket.slice(0, 80))}`);
        if (!isWanted(bucket)) continue;
        for await (const rows of this.#bucket(bucket, value)) {
          if (rows.some((row) => row.isBucket)) throw this.#bad(`a bucket within the bucket ${bucket}`);
          yield { bucket, rows };
        }
      }
    }
  }

  async *#bucket(bucket: string, value: Uint8Array): AsyncIterable<readonly LeafRow[]> {
    if (value.length < bucketHeadBytes) throw this.#bad(`the bucket ${bucket} has no head`);
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    const root = Number(bytes.readBigUInt64LE());
    if (root !== 0) {
      yield* this.#leaves(root);
      return;
    }
    const page = bytes.subarray(bucketHeadBytes);
    const content = page.length < pageHeadBytes ? "is cut short" : readElements(page);
    if (typeof content === "string") throw this.#bad(`the page within the bucket ${bucket} ${content}`);
    if (content.kind !== "leaf") throw this.#bad(`the page within the bucket ${bucket} is a branch`);
    yield content.rows;
  }

  /** The leaves of one tree, in order. */
  async *#leaves(root: number): AsyncIterable<readonly LeafRow[]> {
    const path: { readonly children: readonly (Bounds & { readonly page: number })[]; at: number }[] = [
      { children: [{ from: "", page: root }], at: 0 },
    ];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.children[top.at++];
      if (next === undefined) {
        path.pop();
        continue;
      }
      const content = await this.#read(next.page);
      this.#checkBounds(next.page, content, next);
      if (content.kind === "leaf") {
        yield content.rows;
        continue;
      }
      if (path.length > depthMax) throw this.#bad(`page ${next.page} lies deeper than any tree is`);
      const { children } = content;
      const bounded = children.map((child, i) => ({ ...child, to: children[i + 1]?.from ?? next.to }));
      path.push({ children: bounded, at: 0 });
    }
  }

  #checkBounds(page: number, content: PageContent, { from, to }: Bounds): void {
    const keys =
      content.kind === "leaf"
        ? content.rows.map(({ key }) => key)
        : content.children.map((child) => child.from);
    const [first] = keys;
    const last = keys.at(-1);
    if (first === undefined || last === undefined) return;
    if (first < from || (to !== undefined && last >= to))
      throw this.#bad(`page ${page} holds keys that its parent says are elsewhere`);
  }

  async #read(id: number): Promise<PageContent> {
    const { pageBytes } = this.#meta;
    this.#take(id, id);
    const start = await this.#bytes(id, pageBytes);
    const head = readPageHead(start);
    if (head.id !== id) throw this.#bad(`page ${id} says that it is page ${head.id}`);
    const lengthBytes = (head.overflow + 1) * pageBytes;
    if (lengthBytes > pageRunBytesMax) throw this.#bad(`page ${id} claims ${lengthBytes} bytes`);
    if (head.overflow > 0) this.#take(id + 1, id + head.overflow);
    const content = readElements(head.overflow === 0 ? start : await this.#bytes(id, lengthBytes));
    if (typeof content === "string") throw this.#bad(`page ${id} ${content}`);
    return content;
  }

  /** Each page from `first` to `last` has its place now. */
  #take(first: number, last: number): void {
    if (!(first >= 2) || last >= this.#meta.pages)
      throw this.#bad(`there is a way to page ${last}, which does not exist`);
    for (let page = first; page <= last; page++) {
      const at = page >>> 3;
      const bit = 1 << (page & 7);
      if (((this.#taken[at] as number) & bit) !== 0) throw this.#bad(`there are two ways to page ${page}`);
      this.#taken[at] = (this.#taken[at] as number) | bit;
    }
  }

  async #bytes(page: number, lengthBytes: number): Promise<Buffer> {
    const offset = page * this.#meta.pageBytes;
    const within = () => offset - this.#ahead.start;
    if (within() < 0 || within() + lengthBytes > this.#ahead.bytes.length) {
      const read = await this.#file.read(offset, Math.max(lengthBytes, readAheadBytes));
      this.#ahead = { start: offset, bytes: Buffer.from(read.buffer, read.byteOffset, read.length) };
    }
    const bytes = this.#ahead.bytes.subarray(within(), within() + lengthBytes);
    if (bytes.length < lengthBytes) throw this.#bad(`ends within page ${page}`);
    return bytes;
  }

  #bad(problem: string): BoltError {
    return new BoltError(this.#file.path, problem);
  }
}
