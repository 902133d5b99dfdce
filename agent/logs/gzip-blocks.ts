import { promisify } from "node:util";
import { constants, gunzipSync, gzip } from "node:zlib";
import { type Block, blockBytesMost } from "./blocks.ts";
import { readAt } from "./plain-blocks.ts";

/** Compressed logs are files of gzip, in members (RFC 1952 2.2) that each hold whole lines: any `zcat` reads them, and one member
 *  can be read alone. What an index is for stands in each member's extra field, so that a file that ends within one is whole up to
 *  it. */

const headBytes = 10;
const idBytes = Buffer.from("PT");
/** Least and most time (float64 µs), length of the member and of what it holds (uint32). */
const fieldBytes = 24;
const extraBytes = 2 + 4 + fieldBytes;
const prefixBytes = headBytes + extraBytes;
const trailerBytes = 8;

const deflated = promisify(gzip);

export async function gzipMember(
  lines: Buffer,
  { fromUs, toUs }: Pick<Block, "fromUs" | "toUs">,
): Promise<Buffer> {
  // Level 1 and the largest memory: the fastest that still makes a tenth of what logs are.
  const packed = await deflated(lines, { level: 1, memLevel: constants.Z_MAX_MEMLEVEL });
  const member = Buffer.alloc(packed.length + extraBytes);
  packed.copy(member, 0, 0, headBytes);
  member[3] = 4; // FEXTRA
  member.writeUInt16LE(extraBytes - 2, headBytes);
  idBytes.copy(member, headBytes + 2);
  member.writeUInt16LE(fieldBytes, headBytes + 4);
  member.writeDoubleLE(fromUs, headBytes + 6);
  member.writeDoubleLE(toUs, headBytes + 14);
  member.writeUInt32LE(member.length, headBytes + 22);
  member.writeUInt32LE(lines.length, headBytes + 26);
  packed.copy(member, prefixBytes, headBytes);
  return member;
}

/** The blocks of such a file, up to a member that is torn or none of ours. */
export function gzipBlocks(fd: number, sizeBytes: number): Block[] {
  const blocks: Block[] = [];
  for (let offset = 0; offset + prefixBytes + trailerBytes <= sizeBytes; ) {
    const prefix = readAt(fd, offset, prefixBytes);
    if (!isOurs(prefix)) break;
    const diskBytes = prefix.readUInt32LE(headBytes + 22);
    if (diskBytes <= prefixBytes + trailerBytes || offset + diskBytes > sizeBytes) break;
    if (prefix.readUInt32LE(headBytes + 26) > blockBytesMost) break;
    const fromUs = prefix.readDoubleLE(headBytes + 6);
    const toUs = prefix.readDoubleLE(headBytes + 14);
    blocks.push({ fromUs, toUs, offset, diskBytes });
    offset += diskBytes;
  }
  return blocks;
}

function isOurs(prefix: Buffer): boolean {
  return (
    prefix.length === prefixBytes &&
    prefix[0] === 0x1f &&
    prefix[1] === 0x8b &&
    prefix[2] === 8 &&
    prefix[3] === 4 &&
    prefix.readUInt16LE(headBytes) === extraBytes - 2 &&
    prefix.subarray(headBytes + 2, headBytes + 4).equals(idBytes) &&
    prefix.readUInt16LE(headBytes + 4) === fieldBytes
  );
}

/** Nothing, where its bytes are not what was written. */
export function readGzip(fd: number, { offset, diskBytes }: Block): Buffer {
  try {
    return gunzipSync(readAt(fd, offset, diskBytes), { maxOutputLength: blockBytesMost });
  } catch {
    return Buffer.alloc(0);
  }
}
