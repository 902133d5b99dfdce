import { createHash } from "node:crypto";
import type { State } from "./apply/state.ts";

/** etcdctl tells a file with a checksum from one without by its size: whole 512-byte blocks and 32 bytes of SHA-256. */
const blockBytes = 512;

/** The state as clients download it. */
export function snapshotFile(state: State): {
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
} {
  const { chunks } = state.snapshot();
  return { sizeBytes: state.reader.sizeBytes, chunks: sealed(chunks) };
}

async function* sealed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    yield chunk;
  }
  const padding = new Uint8Array((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
  if (padding.length > 0) {
    hash.update(padding);
    yield padding;
  }
  yield hash.digest();
}
