import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import { createGzip } from "node:zlib";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import { header } from "../filters/request-info.ts";
import { gzipFromBytes, gzipLevel, send } from "./respond.ts";

/** Bytes that are made and written at a time. */
const pieceBytes = 64 * 1024;

/** Sends an answer whose parts are made while it is sent, as fast as the client reads: however long a list is, only a piece of
 *  it is in memory. A short one goes whole. Rejects when the signal aborts. */
export async function sendParts(
  request: IncomingMessage,
  response: HttpResponse,
  answer: { readonly code: number; readonly contentType: string; readonly parts: Iterable<Uint8Array> },
  signal: AbortSignal,
): Promise<void> {
  const { code, contentType } = answer;
  const parts = answer.parts[Symbol.iterator]();
  const start = gathered(parts, gzipFromBytes);
  if (start.isLast || request.method === "HEAD")
    return send(request, response, { code, contentType, body: start.bytes });
  response.statusCode = code;
  response.setHeader("Content-Type", contentType);
  response.setHeader("Cache-Control", "no-cache, private");
  const source = Readable.from(pieces(start.bytes, parts), { objectMode: false });
  if (!/\bgzip\b/.test(header(request.headers, "accept-encoding")))
    return pipeline(source, response, { signal });
  response.setHeader("Content-Encoding", "gzip");
  return pipeline(source, createGzip({ level: gzipLevel }), response, { signal });
}

async function* pieces(start: Uint8Array, parts: Iterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  for (;;) {
    // Others get their turn between two pieces.
    await turn();
    const { bytes, isLast } = gathered(parts, pieceBytes);
    yield bytes;
    if (isLast) return;
  }
}

/** At least so many bytes, if there are. */
function gathered(
  parts: Iterator<Uint8Array>,
  bytesMin: number,
): { readonly bytes: Buffer; readonly isLast: boolean } {
  const found: Uint8Array[] = [];
  for (let length = 0; length < bytesMin; ) {
    const { done, value } = parts.next();
    if (done) return { bytes: Buffer.concat(found), isLast: true };
    found.push(value);
    length += value.length;
  }
  return { bytes: Buffer.concat(found), isLast: false };
}
