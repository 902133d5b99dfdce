import type { IncomingMessage } from "node:http";
import { bodyTooLarge } from "../api-error.ts";

/** The most a request may bring, as in Kubernetes. */
export const bodyBytesMax = 3 * 1024 * 1024;

/** The whole body. Fails with 413, and with the stream's error when the client goes away. */
export async function readBody(request: IncomingMessage, limitBytes = bodyBytesMax): Promise<Uint8Array> {
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw bodyTooLarge(limitBytes);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) throw bodyTooLarge(limitBytes);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}
