import type { Frame } from "./buffer/frame.ts";
import type { LogRecord } from "./record.ts";

/** How lines of a kind are read. */
export interface LineFormat {
  readonly name: string;
  /** How many of these bytes are whole records; 0: none is yet. */
  readonly wholeBytes: (bytes: Buffer) => number;
  /** The records of a frame of this format. What is no record is left out. */
  readonly records: (frame: Frame) => readonly LogRecord[];
}

const newline = 0x0a;

/** Up to the last end of a line. */
export const wholeLines = (bytes: Buffer): number => bytes.lastIndexOf(newline) + 1;

/** Each line with where it begins in its file. An empty one is none. */
export function* linesOf({
  body,
  place,
}: Pick<Frame, "body" | "place">): Generator<readonly [Buffer, number]> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(newline, at);
    const end = found < 0 ? bytes.length : found;
    if (end > at) yield [bytes.subarray(at, end), (place?.start ?? 0) + at];
    at = end + 1;
  }
}

/** The same line has the same id however often it is read. */
export const lineId = (frame: Pick<Frame, "stream" | "place">, at: number): string =>
  `${frame.place?.file ?? frame.stream.key}-${at.toString(36)}`;
