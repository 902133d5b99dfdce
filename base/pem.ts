/** PEM texts (RFC 7468), read as Go's encoding/pem reads them: what is no block is passed over. Pure. */
export interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly bytes: Uint8Array;
}

const begin = "-----BEGIN ";
const end = "-----END ";
const dashes = "-----";

export function readPem(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf(begin, from);
    if (start < 0) return blocks;
    const stop = text.indexOf(end, start);
    // Without an end there is no block from here on.
    if (stop < 0) return blocks;
    from = stop + end.length;
    // Of several beginnings before an end the last one counts.
    const last = text.lastIndexOf(begin, stop);
    const block = blockOf(text.slice(last + begin.length, stop), text.slice(from, from + typeCharactersMax));
    if (block !== undefined && (last === 0 || text[last - 1] === "\n")) blocks.push(block);
  }
}

const typeCharactersMax = 256;

/** @param body From the type on to the end's line.
 *  @param after What follows the words of the end's line: type, dashes. */
function blockOf(body: string, after: string): PemBlock | undefined {
  const lineEnd = body.indexOf("\n");
  if (lineEnd < 0) return undefined;
  const head = body.slice(0, lineEnd).trimEnd();
  if (!head.endsWith(dashes)) return undefined;
  const type = head.slice(0, -dashes.length);
  if (!after.startsWith(`${type}${dashes}`)) return undefined;
  const lines = body.slice(lineEnd + 1).split("\n");
  const isHeader = (line: string) => line.includes(":");
  const first = lines.findIndex((line) => !isHeader(line));
  const data = lines
    .slice(first < 0 ? lines.length : first)
    .join("")
    .replace(/[\s]/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data) || data.length % 4 !== 0) return undefined;
  return { type, hasHeaders: lines.some(isHeader), bytes: Buffer.from(data, "base64") };
}

/** A certificate's bytes (DER) as a block, in lines of 64. */
export const certificatePem = (bytes: Uint8Array): string => pemText("CERTIFICATE", bytes);

/** Bytes as a block, in lines of 64, with a line's end at the end. */
export function pemText(type: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${type}-----`, ...lines, `-----END ${type}-----`, ""].join("\n");
}
