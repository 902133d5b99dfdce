import { createHash } from "node:crypto";
import { latin1 } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import { BackendFiller } from "./fill.ts";
import {
  bucketOf,
  digestBytes,
  headerBytes,
  rowHeadBytes,
  SnapshotError,
  snapshotMagic,
  snapshotVersion,
} from "./format.ts";

/** A key or value longer than this is damage, not data: no entry of a log comes near it. */
const fieldBytesMax = 512 * 1024 * 1024;

/** Fills an empty backend and makes it durable. Rejects with SnapshotError when the stream is cut short, altered or of
 *  another version; what was filled in so far is then worthless. */
export async function loadSnapshot(chunks: AsyncIterable<Uint8Array>, into: Backend): Promise<void> {
  const reader = new StreamReader(chunks);
  await reader.need(headerBytes);
  const head = reader.take(headerBytes);
  if (latin1(head.subarray(0, snapshotMagic.length)) !== snapshotMagic)
    throw new SnapshotError("snapshot: this is not one");
  const version = head[snapshotMagic.length];
  if (version !== snapshotVersion)
    throw new SnapshotError(`snapshot: version ${version} is not the ${snapshotVersion} this member reads`);
  const filler = new BackendFiller(into);
  for (let rows = 0; ; rows++) {
    if (!reader.has(1)) await reader.need(1);
    const number = reader.byteAt(0);
    if (number === 0) break;
    const bucket = bucketOf(number);
    if (bucket === undefined) throw new SnapshotError(`snapshot: unknown bucket ${number}`);
    if (!reader.has(rowHeadBytes)) await reader.need(rowHeadBytes);
    const keyBytes = reader.uint32At(1);
    const valueBytes = reader.uint32At(5);
    if (keyBytes > fieldBytesMax || valueBytes > fieldBytesMax)
      throw new SnapshotError(`snapshot: row ${rows} claims ${keyBytes} + ${valueBytes} bytes`);
    const rowBytes = rowHeadBytes + keyBytes + valueBytes;
    if (!reader.has(rowBytes)) await reader.need(rowBytes);
    const row = reader.take(rowBytes);
    const key = latin1(row.subarray(rowHeadBytes, rowHeadBytes + keyBytes));
    const value = row.subarray(rowHeadBytes + keyBytes);
    // A revision is copied when it is appended; all else would keep the whole chunk.
    const room = filler.add(bucket, { key, value: bucket === "key" ? value : Buffer.from(value) });
    if (room !== undefined) await room;
  }
  reader.take(1);
  await reader.checkDigest();
  await filler.finish();
}

/** Hands out bytes of a stream where they lie, and digests what it handed out. */
class StreamReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash("sha256");
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Bytes of the chunk that are digested. */
  #digested = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Whether so many of the next bytes are here. */
  has(count: number): boolean {
    return this.#chunk.length - this.#at >= count;
  }

  /** Waits until they are, in one piece. Room is made for what has come, whatever is claimed to come. */
  async need(count: number): Promise<void> {
    if (this.has(count)) return;
    this.#digest();
    const pieces: Uint8Array[] = [this.#chunk.subarray(this.#at)];
    for (let bytes = this.#chunk.length - this.#at; bytes < count; ) {
      const next = await this.#chunks.next();
      if (next.done) throw new SnapshotError("snapshot: the stream ended early");
      pieces.push(next.value);
      bytes += next.value.length;
    }
    const whole = pieces.filter(({ length }) => length > 0);
    const [only] = whole;
    this.#chunk = whole.length === 1 && only !== undefined ? asBuffer(only) : Buffer.concat(whole);
    this.#at = 0;
    this.#digested = 0;
  }

  byteAt(offset: number): number {
    return this.#chunk[this.#at + offset] as number;
  }

  uint32At(offset: number): number {
    return this.#chunk.readUInt32BE(this.#at + offset);
  }

  /** A view of the next bytes, which must be here. */
  take(count: number): Uint8Array {
    const start = this.#at;
    this.#at += count;
    return this.#chunk.subarray(start, this.#at);
  }

  async checkDigest(): Promise<void> {
    this.#digest();
    const found = this.#hash.digest();
    await this.need(digestBytes);
    if (!found.equals(this.take(digestBytes)))
      throw new SnapshotError("snapshot: its SHA-256 does not match; it was altered on the way");
    const more = this.has(1) ? { done: false } : await this.#chunks.next();
    if (!more.done) throw new SnapshotError("snapshot: there are bytes after its end");
  }

  #digest(): void {
    if (this.#at === this.#digested) return;
    this.#hash.update(this.#chunk.subarray(this.#digested, this.#at));
    this.#digested = this.#at;
  }
}

const asBuffer = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length);
