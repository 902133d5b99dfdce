import { crc32c } from "../../base/crc32c.ts";
import { type Source, type Stream, sources } from "../record.ts";

/** Where lines of a file lie. */
export interface Place {
  /** Which file, whatever its name is now. */
  readonly file: string;
  readonly start: number;
  /** Up to, not including. What lies before is never read again. */
  readonly end: number;
}

/** Whole lines of one stream, as they came. */
export interface Frame {
  readonly stream: Stream;
  /** Who wrote them knows how they are read. */
  readonly format: string;
  /** About how many records they are. */
  readonly lines: number;
  /** When they came, by the clock on the wall. */
  readonly atMs: number;
  readonly place: Place | undefined;
  readonly body: Uint8Array;
}

const prefixBytes = 8;
const headLengthBytes = 4;
/** What is longer was not written by us. */
export const frameBytesMax = 16 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Length and checksum of what follows; then the length of the head, the head as JSON, and the lines. */
export function encodeFrame({ body, ...head }: Frame): readonly Uint8Array[] {
  const text = encoder.encode(JSON.stringify(head));
  const front = new Uint8Array(prefixBytes + headLengthBytes + text.length);
  const view = new DataView(front.buffer);
  const bytes = headLengthBytes + text.length + body.length;
  view.setUint32(0, bytes);
  view.setUint32(prefixBytes, text.length);
  front.set(text, prefixBytes + headLengthBytes);
  view.setUint32(4, crc32c(crc32c(0, front, prefixBytes), body));
  return [front, body];
}

export interface ReadFrame {
  readonly frame: Frame;
  readonly bytes: number;
}

/** The frame at the beginning: `short` where more bytes are needed, `broken` where it is none. */
export function readFrame(bytes: Uint8Array): ReadFrame | "short" | "broken" {
  if (bytes.length < prefixBytes) return "short";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(0);
  if (length < headLengthBytes || length > frameBytesMax) return "broken";
  if (bytes.length < prefixBytes + length) return "short";
  const whole = bytes.subarray(prefixBytes, prefixBytes + length);
  if (crc32c(0, whole) !== view.getUint32(4)) return "broken";
  const headBytes = view.getUint32(prefixBytes);
  const head = headOf(whole.subarray(headLengthBytes, headLengthBytes + headBytes));
  if (head === undefined) return "broken";
  return {
    frame: { ...head, body: whole.subarray(headLengthBytes + headBytes) },
    bytes: prefixBytes + length,
  };
}

/** How many bytes the frame needs whose beginning this is; undefined where that is not known, or it is none. */
export function bytesNeeded(bytes: Uint8Array): number | undefined {
  if (bytes.length < prefixBytes) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0);
  return length <= frameBytesMax ? prefixBytes + length : undefined;
}

/** Another version of this program may have written it. */
function headOf(bytes: Uint8Array): Omit<Frame, "body"> | undefined {
  try {
    const head = JSON.parse(decoder.decode(bytes)) as Omit<Frame, "body">;
    const isKnown = typeof head.format === "string" && sources.includes(head.stream?.source as Source);
    return isKnown ? { ...head, place: head.place } : undefined;
  } catch {
    return undefined; // its checksum was right: it is of another version
  }
}
