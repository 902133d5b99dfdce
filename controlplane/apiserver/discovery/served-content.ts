import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { byteRanges, type Range } from "./byte-ranges.ts";
import type { PlainAnswer } from "./plain-routes.ts";
import { preconditions } from "./preconditions.ts";

/** Something that stays as it is for a while, and may be asked for in parts. */
export interface Content {
  /** Without quotes; empty where it has no name. */
  readonly etag: string;
  readonly modifiedMs: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Made only where it is sent. */
  readonly body: () => string | Uint8Array;
}

export interface ContentAsked {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** Answers for content as Go's http.ServeContent does: not at all to who has it, in parts to who asks for parts. Pure. */
export function servedContent(content: Content, { method, headers }: ContentAsked): PlainAnswer {
  const { contentType, etag } = content;
  const named = { ...content.headers, ...(etag !== "" && { ETag: `"${etag}"` }) };
  const dated = { ...named, "Last-Modified": new Date(content.modifiedMs).toUTCString() };
  const { verdict, range } = preconditions({ method, headers }, content);
  // Who has it knows its time by its name.
  if (verdict === "unchanged")
    return { code: 304, contentType: "", body: "", headers: etag === "" ? dated : named };
  if (verdict === "failed") return { code: 412, contentType, body: "", headers: dated };
  const given = content.body();
  const body = typeof given === "string" ? Buffer.from(given) : given;
  const size = body.length;
  const ranges = byteRanges(range, size);
  if (ranges === "malformed") return unsatisfiable("invalid range", content.headers);
  if (ranges === "beyond") {
    const said = { ...content.headers, "Content-Range": `bytes */${size}` };
    return unsatisfiable("invalid range: failed to overlap", said);
  }
  const whole = { ...dated, "Accept-Ranges": "bytes" };
  const [first, ...more] = ranges;
  if (first === undefined) return { code: 200, contentType, body, headers: whole };
  if (more.length > 0) return manyParts(ranges, { body, contentType, headers: whole });
  return {
    code: 206,
    contentType,
    body: part(body, first),
    headers: { ...whole, "Content-Range": rangeText(first, size) },
  };
}

const part = (body: Uint8Array, { start, length }: Range) => body.subarray(start, start + length);
const rangeText = ({ start, length }: Range, size: number) => `bytes ${start}-${start + length - 1}/${size}`;

function unsatisfiable(text: string, headers: Readonly<Record<string, string>>): PlainAnswer {
  return {
    code: 416,
    contentType: "text/plain; charset=utf-8",
    body: `${text}\n`,
    headers: { ...headers, "X-Content-Type-Options": "nosniff" },
  };
}

function manyParts(
  ranges: readonly Range[],
  {
    body,
    contentType,
    headers,
  }: {
    readonly body: Uint8Array;
    readonly contentType: string;
    readonly headers: Readonly<Record<string, string>>;
  },
): PlainAnswer {
  // What is in the content cannot be known by whoever wrote it: the boundary is made of all of it.
  const boundary = createHash("sha256").update(body).digest("hex").slice(0, 60);
  const pieces = ranges.flatMap((range, at) => [
    Buffer.from(
      `${at === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Range: ${rangeText(range, body.length)}\r\nContent-Type: ${contentType}\r\n\r\n`,
    ),
    part(body, range),
  ]);
  return {
    code: 206,
    contentType: `multipart/byteranges; boundary=${boundary}`,
    body: Buffer.concat([...pieces, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    headers,
  };
}
