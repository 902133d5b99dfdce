import { inflateRawSync, constants as zlib } from "node:zlib";
import { headerDictionary, headerDictionaryId } from "./dictionary.ts";

export const headerLimits = { bytesMax: 16 * 1024, countMax: 64 } as const;

/** What deflate looks back on. */
const windowBytes = 32 * 1024;

/** Names in lower case. */
export type Headers = ReadonlyMap<string, string>;

/** Reads the header blocks of one connection, in their order: each may refer to what the ones before said. All blocks are one
 *  zlib stream whose end never comes; each ends with a sync flush, on a byte's boundary, so that a block by itself is raw
 *  deflate with what was said before as its dictionary. Throws for what is no such block, and for one too large. */
export class HeaderBlockReader {
  #window: Buffer = headerDictionary;
  #begun = false;

  read(block: Buffer): Headers {
    const text = inflateRawSync(this.#withoutZlibHead(block), {
      dictionary: this.#window,
      finishFlush: zlib.Z_SYNC_FLUSH,
      maxOutputLength: headerLimits.bytesMax,
    });
    this.#window = Buffer.concat([this.#window, text]).subarray(-windowBytes);
    return headersOf(text);
  }

  #withoutZlibHead(block: Buffer): Buffer {
    if (this.#begun) return block;
    const head = block.length < 2 ? 0 : block.readUInt16BE(0);
    if ((head & 0x0f00) !== 0x0800 || head % 31 !== 0 || head >> 12 > 7) throw new Error("not a zlib stream");
    this.#begun = true;
    if ((head & 0x20) === 0) {
      this.#window = Buffer.alloc(0);
      return block.subarray(2);
    }
    if (block.length < 6 || block.readUInt32BE(2) !== headerDictionaryId)
      throw new Error("headers are compressed with an unknown dictionary");
    return block.subarray(6);
  }
}

/** An empty block: Go hands nothing out before it has seen one. */
const syncFlush = Buffer.of(0, 0, 0, 0xff, 0xff);

/** Writes header blocks: uncompressed, which is a way to compress, and needs no memory of what was said. */
export class HeaderBlockWriter {
  #begun = false;

  write(headers: Iterable<readonly [string, string]>): Buffer {
    const all = [...headers];
    const words = all.flatMap(([name, value]) => [word(name.toLowerCase()), word(value)]);
    const text = Buffer.concat([uint32(all.length), ...words]);
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(text.length, 1);
    stored.writeUInt16LE(~text.length & 0xffff, 3);
    const head = this.#begun ? [] : [Buffer.of(0x78, 0x01)];
    this.#begun = true;
    return Buffer.concat([...head, stored, text, syncFlush]);
  }
}

function headersOf(text: Buffer): Headers {
  let at = 0;
  const number = () => {
    if (at + 4 > text.length) throw new Error("a header block ends early");
    at += 4;
    return text.readUInt32BE(at - 4);
  };
  const string = () => {
    const length = number();
    if (length > text.length - at) throw new Error("a header block ends early");
    at += length;
    return text.toString("latin1", at - length, at);
  };
  const count = number();
  if (count > headerLimits.countMax) throw new Error("too many headers");
  const headers = new Map<string, string>();
  for (let n = 0; n < count; n++) {
    const name = string();
    if (name === "" || name !== name.toLowerCase() || headers.has(name))
      throw new Error("a header's name is empty, not in lower case, or there twice");
    headers.set(name, string());
  }
  if (at !== text.length) throw new Error("a header block does not end");
  return headers;
}

function word(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
