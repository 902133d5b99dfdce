import type { IncomingMessage } from "node:http";

const bodyBytesMost = 64 * 1024;

/** A small body that must be a JSON object. Throws TypeError saying what is wrong. */
export async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bodyBytesMost) throw new TypeError(`the body has more than ${bodyBytesMost} bytes`);
    pieces.push(piece);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch {
    throw new TypeError("the body is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError("the body is no JSON object");
  return value as Readonly<Record<string, unknown>>;
}
