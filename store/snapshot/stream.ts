import { createHash } from "node:crypto";
import type { Row, View } from "../backend/backend.ts";
import { bucketNumber, rowHeadBytes, snapshotBuckets, snapshotMagic, snapshotVersion } from "./format.ts";
import { type ViewStream, viewStream } from "./view-stream.ts";

const chunkBytes = 256 * 1024;
const rowsPerRead = 500;

/** The view as a stream of chunks, which closes it at the end or when the reader gives up. */
export function snapshotStream(view: View): ViewStream {
  return viewStream(view, snapshotChunks);
}

async function* snapshotChunks(view: View): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  const seal = (parts: readonly Uint8Array[]): Uint8Array => {
    const chunk = Buffer.concat(parts);
    hash.update(chunk);
    return chunk;
  };
  yield seal([Buffer.from(snapshotMagic, "latin1"), Uint8Array.of(snapshotVersion)]);
  let parts: Uint8Array[] = [];
  let size = 0;
  for (const bucket of snapshotBuckets) {
    for await (const page of view.pages(bucket, {}, rowsPerRead)) {
      for (const row of page) {
        const written = encodeRow(bucketNumber(bucket), row);
        parts.push(...written);
        size += rowHeadBytes + row.key.length + row.value.length;
        if (size < chunkBytes) continue;
        yield seal(parts);
        [parts, size] = [[], 0];
      }
    }
  }
  yield seal([...parts, Uint8Array.of(0)]);
  yield hash.digest();
}

function encodeRow(bucket: number, { key, value }: Row): readonly Uint8Array[] {
  const head = Buffer.allocUnsafe(rowHeadBytes + key.length);
  head[0] = bucket;
  head.writeUInt32BE(key.length, 1);
  head.writeUInt32BE(value.length, 5);
  head.write(key, rowHeadBytes, key.length, "latin1");
  return [head, value];
}
