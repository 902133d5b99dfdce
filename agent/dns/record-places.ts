import { recordTypes } from "./types.ts";

/** Where the records of a message stand in its bytes, so that some of them can be changed without writing it anew. Nothing here
 *  throws, whatever arrives. Pure. */

export interface RecordPlace {
  readonly section: "answer" | "authority" | "additional";
  /** As it stands there: names of one record set may be written in several ways. */
  readonly owner: string;
  readonly type: number;
  readonly ttlAt: number;
  readonly dataAt: number;
  readonly dataBytes: number;
}

const headerBytes = 12;
const sections = ["answer", "authority", "additional"] as const;
/** Behind the name: type, class, TTL and the length of the data. */
const fixedBytes = 10;

/** Of a message with one question; `undefined` where it is not what it says. Options of EDNS are none. */
export function recordPlaces(message: Buffer): readonly RecordPlace[] | undefined {
  if (message.length < headerBytes || message.readUInt16BE(4) !== 1) return undefined;
  let at = nameEnd(message, headerBytes);
  if (at === undefined) return undefined;
  at += 4;
  const places: RecordPlace[] = [];
  for (const [index, section] of sections.entries())
    for (let left = message.readUInt16BE(6 + 2 * index); left > 0; left--) {
      const end = nameEnd(message, at);
      if (end === undefined || end + fixedBytes > message.length) return undefined;
      const type = message.readUInt16BE(end);
      const dataBytes = message.readUInt16BE(end + 8);
      const dataAt = end + fixedBytes;
      if (dataAt + dataBytes > message.length) return undefined;
      const owner = message.toString("latin1", at, end);
      if (type !== recordTypes.OPT) places.push({ section, owner, type, ttlAt: end + 4, dataAt, dataBytes });
      at = dataAt + dataBytes;
    }
  return places;
}

/** Behind a name, which ends by itself or with a pointer. */
function nameEnd(message: Buffer, start: number): number | undefined {
  for (let at = start; at < message.length; ) {
    const length = message[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += 1 + length;
  }
  return undefined;
}
