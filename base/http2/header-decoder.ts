import { ConnectionError, defaultTableBytes, errorCodes } from "./frames.ts";
import { type Header, headerCost } from "./header.ts";
import { huffmanDecode } from "./huffman.ts";
import { staticTable } from "./static-table.ts";

/** Which we never change. */
const tableBytesMost = defaultTableBytes;

/** Decompresses the header blocks of one connection (RFC 7541), in their order. */
export class HeaderDecoder {
  readonly #listBytesMost: number;
  /** Oldest first. */
  readonly #table: Header[] = [];
  #tableBytes = 0;
  #tableBytesAllowed = tableBytesMost;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;
  /** How often a block changed the table. */
  changes = 0;

  constructor(options: { readonly listBytesMost: number }) {
    this.#listBytesMost = options.listBytesMost;
  }

  /** "tooLarge": the block is read to its end, for later ones build on it, but what it held is not kept. */
  decode(block: Buffer): readonly Header[] | "tooLarge" {
    this.#block = block;
    this.#at = 0;
    const headers: Header[] = [];
    let listBytes = 0;
    while (this.#at < block.length) {
      const header = this.#next(listBytes === 0);
      if (header === undefined) continue;
      listBytes += headerCost(header);
      if (listBytes <= this.#listBytesMost) headers.push(header);
    }
    return listBytes <= this.#listBytesMost ? headers : "tooLarge";
  }

  #next(isFirst: boolean): Header | undefined {
    const byte = this.#block[this.#at] as number;
    if (byte & 0x80) return this.#entry(this.#integer(7));
    if (byte & 0x40) {
      const header = this.#literal(6);
      this.#add(header);
      return header;
    }
    if ((byte & 0x20) === 0) return this.#literal(4);
    if (!isFirst) fail("a table size update after a header");
    const allowed = this.#integer(5);
    if (allowed > tableBytesMost) fail("a table larger than was agreed");
    this.#tableBytesAllowed = allowed;
    this.changes += 1;
    this.#evict(0);
    return undefined;
  }

  #literal(prefixBits: number): Header {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#entry(index).name;
    return { name, value: this.#string() };
  }

  #entry(index: number): Header {
    const entry =
      index <= staticTable.length
        ? staticTable[index - 1]
        : this.#table[this.#table.length - (index - staticTable.length)];
    return entry ?? fail(`no header has index ${index}`);
  }

  #add(header: Header): void {
    const cost = headerCost(header);
    this.changes += 1;
    this.#evict(cost);
    if (cost > this.#tableBytesAllowed) return; // larger than the table: empties it and is not kept
    this.#table.push(header);
    this.#tableBytes += cost;
  }

  /** Drops the oldest until `room` fits. */
  #evict(room: number): void {
    while (this.#tableBytes + room > this.#tableBytesAllowed) {
      const oldest = this.#table.shift();
      if (oldest === undefined) return;
      this.#tableBytes -= headerCost(oldest);
    }
  }

  #integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) fail("an integer that is too large");
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
  }

  #string(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#block.length) fail("a string beyond the end");
    this.#at = end;
    if (!isHuffman) return this.#block.toString("latin1", start, end);
    return huffmanDecode(this.#block, start, end) ?? fail("a string that is no Huffman code");
  }

  #byte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) fail("a block that ends too soon");
    this.#at += 1;
    return byte as number;
  }
}

function fail(what: string): never {
  throw new ConnectionError(errorCodes.COMPRESSION_ERROR, `malformed header block: ${what}`);
}
