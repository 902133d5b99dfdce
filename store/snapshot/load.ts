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
/** Room made at once for what a row claims to hold; the rest is made as bytes come in. */
const roomBytesMax = 1024 * 1024;

/** Fills an empty backend and makes it durable. Rejects with SnapshotError when the stream is cut short, altered or of
 *  another version; what was filled in so far is then worthless. */
export async function loadSnapshot(chunks: AsyncIterable<Uint8Array>, into: Backend): Promise<void> {
  const reader = new StreamReader(chunks);
  const head = await reader.take(headerBytes);
  if (latin1(head.subarray(0, snapshotMagic.length)) !== snapshotMagic)
    throw new SnapshotError("snapshot: this is not one");
  const version = head[snapshotMagic.length];
  if (version !== snapshotVersion)
    throw new SnapshotError(`snapshot: version ${version} is not the ${snapshotVersion} this member reads`);
  let rows = 0;
  const filler = new BackendFiller(into);
  for (;;) {
    const number = (await reader.take(1))[0] ?? 0;
    if (number === 0) break;
    const bucket = bucketOf(number);
    if (bucket === undefined) throw new SnapshotError(`snapshot: unknown bucket ${number}`);
    const lengths = Buffer.from(await reader.take(rowHeadBytes - 1));
    const keyBytes = lengths.readUInt32BE(0);
    const valueBytes = lengths.readUInt32BE(4);
    if (keyBytes > fieldBytesMax || valueBytes > fieldBytesMax)
      throw new SnapshotError(`snapshot: row ${rows} claims ${keyBytes} + ${valueBytes} bytes`);
    const row = await reader.take(keyBytes + valueBytes);
    const key = latin1(row.subarray(0, keyBytes));
    const value = row.subarray(keyBytes);
    rows += 1;
    const room = filler.add(bucket, { key, value });
    if (room !== undefined) await room;
  }
  await reader.checkDigest();
  await filler.finish();
}

/** Hands out bytes of a stream in the sizes asked for, and digests what it handed out. */
class StreamReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash("sha256");
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly `count` bytes, the caller's own. */
  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.#read(count);
    this.#hash.update(bytes);
    return bytes;
  }

  async checkDigest(): Promise<void> {
    const found = this.#hash.digest();
    const wanted = await this.#read(digestBytes);
    if (!found.equals(wanted))
      throw new SnapshotError("snapshot: its SHA-256 does not match; it was altered on the way");
    const more = this.#rest.length > 0 ? { done: false } : await this.#chunks.next();
    if (!more.done) throw new SnapshotError("snapshot: there are bytes after its end");
  }

  async #read(count: number): Promise<Uint8Array> {
    let out = Buffer.allocUnsafeSlow(Math.min(count, roomBytesMax));
    let filled = 0;
    while (filled < count) {
      if (filled === out.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(count, 2 * filled));
        out.copy(larger);
        out = larger;
      }
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done) throw new SnapshotError("snapshot: the stream ended early");
        this.#rest = next.value;
        continue;
      }
      const part = this.#rest.subarray(0, out.length - filled);
      out.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return out;
  }
}
