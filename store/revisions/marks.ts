/** What the database beside the log knows of it, in rows of its own: which files it consists of and how far each reaches, and
 *  which of their rows compactions dropped. Written in one batch with the effects, so that they are of one moment. */
export const formatKey = "\0revisions";
export const formatVersion = "1";
const markPrefix = "\0s";
const deadPrefix = "\0t";

/** Holds both kinds of rows and nothing else. */
export const markRange = { from: markPrefix, to: "\0u" } as const;

export interface Mark {
  readonly segment: number;
  readonly endBytes: number;
}

export function markRow({ segment, endBytes }: Mark): readonly [key: string, value: Uint8Array] {
  const value = Buffer.allocUnsafeSlow(8);
  value.writeBigUInt64BE(BigInt(endBytes));
  return [markKey(segment), value];
}

export function markKey(segment: number): string {
  return markPrefix + padded(segment);
}

export function deadKey(segment: number): string {
  return deadPrefix + padded(segment);
}

/** What the row of either kind is about. */
export function parseMarkKey(key: string): { readonly kind: "mark" | "dead"; readonly segment: number } {
  return {
    kind: key.startsWith(markPrefix) ? "mark" : "dead",
    segment: Number(key.slice(markPrefix.length)),
  };
}

export function markedEnd(value: Uint8Array): number {
  return Number(Buffer.from(value).readBigUInt64BE());
}

export function segmentFileName(segment: number): string {
  return `${padded(segment)}.rev`;
}

function padded(segment: number): string {
  return String(segment).padStart(10, "0");
}
