import { lineTimeUs, timeUsAt } from "./log-time.ts";
import type { LogSource } from "./sources.ts";

/** How lines lie in a file: where the text of one begins, and when it was written. Positions are of a buffer of whole lines. */
export interface RecordFormat {
  /** NaN: it has no time of its own. */
  timeUs(bytes: Buffer, from: number, end: number): number;
  /** The first byte after what is before the text; -1 for what is no record. */
  textFrom(bytes: Buffer, from: number, end: number): number;
  /** The text goes on in another record. */
  isPartial(bytes: Buffer, from: number): boolean;
  stream(bytes: Buffer, from: number): "stdout" | "stderr" | undefined;
}

const space = 0x20;
const letterF = 0x46;
const letterP = 0x50;
const letterO = 0x6f;
const letterE = 0x65;

/** `<RFC 3339> stdout|stderr F|P <text>`: from the time's end on, places are fixed. */
const cri: RecordFormat = {
  timeUs: (bytes, from) => timeUsAt(bytes, from),
  textFrom(bytes, from, end) {
    const at = streamAt(bytes, from);
    const tag = bytes[at + 7];
    const isStream = bytes[at - 1] === space && bytes[at] === 0x73 && bytes[at + 6] === space;
    if (!isStream || (tag !== letterF && tag !== letterP)) return -1;
    // The tag may have more to it, after colons.
    let text = at + 8;
    while (text < end && bytes[text] !== space) text += 1;
    return text < end ? text + 1 : -1;
  },
  isPartial: (bytes, from) => bytes[streamAt(bytes, from) + 7] === letterP,
  stream(bytes, from) {
    const letter = bytes[streamAt(bytes, from) + 3];
    return letter === letterO ? "stdout" : letter === letterE ? "stderr" : undefined;
  },
};

/** A time has 20 to 35 bytes. */
function streamAt(bytes: Buffer, from: number): number {
  let at = from + 20;
  while (at < from + 36 && bytes[at] !== space) at += 1;
  return at + 1;
}

const lines: RecordFormat = {
  timeUs: lineTimeUs,
  textFrom: (_, from) => from,
  isPartial: () => false,
  stream: () => undefined,
};

export const recordFormats: Readonly<Record<LogSource["format"], RecordFormat>> = { cri, lines };
