import { createHash } from "node:crypto";
import type { Row, View } from "../backend/backend.ts";
import { bucketNumber, rowHeadBytes, snapshotBuckets, snapshotMagic, snapshotVersion } from "./format.ts";
import { type ViewStream, viewStream } from "./view-stream.ts";

/** A chunk has one row at least, and no more than this with more rows. */
const chunkBytes = 64 * 1024;
const rowsPerRead = 500;

/** The view as a stream of chunks, which closes it at the end or when the reader gives up. */
export function snapshotStream(view: View): ViewStream {
  return viewStream(view, snapshotChunks);
}

async function* snapshotChunks(view: View): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  const writer = new ChunkWriter();
  const sealed = (chunk: Uint8Array): Uint8Array => {
    hash.update(chunk);
    return chunk;
  };
  yield sealed(Buffer.concat([Buffer.from(snapshotMagic, "latin1"), Uint8Array.of(snapshotVersion)]));
  for (const bucket of snapshotBuckets) {
    for await (const page of view.pages(bucket, {}, rowsPerRead)) {
      for (const row of page) {
        if (!writer.fits(row)) yield sealed(writer.take());
        writer.row(bucketNumber(bucket), row);
      }
    }
  }
  yield sealed(writer.take());
  yield sealed(Uint8Array.of(0));
  yield hash.digest();
}

/** Lays rows down one after the other. */
class ChunkWriter {
  #chunk = Buffer.alloc(0);
  #used = 0;

  fits(row: Row): boolean {
    return this.#used === 0 || this.#used + rowBytes(row) <= chunkBytes;
  }

  row(bucket: number, row: Row): void {
    const { key, value } = row;
    if (this.#used === 0) this.#chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, rowBytes(row)));
    const chunk = this.#chunk;
    let at = this.#used;
    chunk[at] = bucket;
    chunk.writeUInt32BE(key.length, at + 1);
    chunk.writeUInt32BE(value.length, at + 5);
    at += rowHeadBytes;
    chunk.write(key, at, key.length, "latin1");
    at += key.length;
    chunk.set(value, at);
    this.#used = at + value.length;
  }

  take(): Uint8Array {
    const chunk = this.#chunk.subarray(0, this.#used);
    this.#used = 0;
    return chunk;
  }
}

const rowBytes = ({ key, value }: Row): number => rowHeadBytes + key.length + value.length;
